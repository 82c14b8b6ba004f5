"""ImageNet-R (Hendrycks et al. 2021): the 200 of ImageNet's classes that its drawings, toys and sculptures show.

https://github.com/hendrycks/imagenet-r
"""

subset = "imagenet_r"
based_on = "ImageNet"
