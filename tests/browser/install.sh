#!/bin/sh
# Installs Debian's Chromium where that can be done; the tests skip, and say why, where it is missing.
set -u
command -v chromium > /dev/null 2>&1 && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
    echo "Chromium is installed by root with apt-get only"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -q && apt-get install -q -y --no-install-recommends chromium; } > /dev/null \
    || echo "Chromium could not be installed; see above"
exit 0
