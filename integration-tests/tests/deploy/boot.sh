#!/bin/sh
# Boots systemd, and nothing else of this machine's, in namespaces that were made for it: boot.sh FOLDER PROGRAM DEPLOY.
# The machine's own files are there to read; what is written goes with it. FOLDER has listener.toml, a certificate with its
# key, and told, a pipe that takes what the listener says.
set -eu
folder=$1 program=$2 deploy=$3

mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount --rbind /dev dev

install -m 0755 "$program" usr/local/bin/cnc-listener
rm -rf var/lib/cnc etc/cnc
install -d etc/cnc/tls var/told etc/systemd/system/cnc-listener.service.d
mount --bind "$folder" var/told
install -m 0644 "$deploy/systemd/cnc-listener.service" etc/systemd/system/
chroot . systemd-sysusers - < "$deploy/systemd/cnc.sysusers"
install -m 0644 "$folder/listener.toml" etc/cnc/
for part in cert key; do
    install -m 0640 "$folder/$part.pem" etc/cnc/tls/
    chroot . chgrp cnc "/etc/cnc/tls/$part.pem"
done
printf '[Service]\nStandardOutput=append:/var/told/told\nStandardError=inherit\n' > etc/systemd/system/cnc-listener.service.d/told.conf
printf '[Unit]\nDescription=the listener alone\nWants=cnc-listener.service\n' > etc/systemd/system/alone.target
ip link set lo up
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --system --unit=alone.target
