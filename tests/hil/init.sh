#!/bin/sh
# The first process of the simulated kernel: mounts what a Linux system has, runs the script named by JOB (the kernel
# hands what its command line sets on as environment), leaves the script's status in JOB.status and switches off. The
# files are the real ones of the machine around it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t configfs configfs /sys/kernel/config
ln -sf /proc/self/fd /dev/fd
sh "$JOB" </dev/null 2>&1
echo $? >"$JOB.status"
sync
echo o >/proc/sysrq-trigger
sleep 60
