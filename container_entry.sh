#!/bin/sh
# The container's commands: substring, semantic, download, a helper by its name (build_knn_index), or demo.
set -eu
app=$(dirname "$0")
stage=${1:---help}
[ $# -eq 0 ] || shift
case $stage in
    substring) script=filter_laion_metadata_substring.py ;;
    semantic) script=filter_laion_metadata_semantic.py ;;
    download) script=download_urls_img2dataset.py ;;
    demo) script=demo/run_demo.py ;;
    *) script=knn_indices_helper/$stage.py ;;
esac
if [ "$stage" = --help ] || [ ! -f "$app/$script" ]; then
    helpers=$(cd "$app/knn_indices_helper" && ls -- [a-z]*.py | sed 's/\.py$//' | tr '\n' ' ')
    echo "Give a stage and its flags: substring, semantic, download, demo, or a helper: $helpers" >&2
    [ "$stage" = --help ] || exit 2
    exit 0
fi
exec python "$app/$script" "$@"
