"""ImageNet-A (Hendrycks et al. 2021): the 200 of ImageNet's classes that its photographs show.

https://github.com/hendrycks/natural-adv-examples
"""

subset = "imagenet_a"
based_on = "ImageNet"
