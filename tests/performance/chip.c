/*
 * Plays a Raspberry Pi's GPIO chip to one process, so that the library which drives real pins, with its thread and its
 * clock, can be measured on a machine without pins.
 *
 * It is loaded into the process by LD_PRELOAD and answers what lgpio asks of the kernel: opening CHIP, taking lines one
 * by one, writing and reading them. Whatever it does not play is refused. Every change of a level is entered in the
 * file that PLAYED_CHIP_RECORD names, with the time of the kernel's clock; played_chip.py reads it.
 *
 * No call gets as far as the kernel, so a write takes less time than a real one, by what a system call costs.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHIP "/dev/gpiochip99"
#define LINES 54
#define DESCRIPTORS 1024
#define GPIO_IOCTLS 0xB4
#define REFUSED \
	(GPIO_V2_LINE_FLAG_ACTIVE_LOW | GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING)

struct change {
	uint64_t at_ns;
	uint32_t line;
	uint32_t level;
};

struct record {
	atomic_uint_least64_t changes;
	struct change change[];
};

static struct record *record;
static uint64_t room;
static atomic_uint levels[LINES];
static atomic_ullong modes[LINES];
static uint32_t line_of[DESCRIPTORS];

__attribute__((constructor)) static void open_record(void)
{
	const char *path = getenv("PLAYED_CHIP_RECORD");
	const int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	struct stat size;
	void *memory;

	if (file < 0 || fstat(file, &size))
		return;
	memory = mmap(NULL, size.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
	close(file);
	if (memory == MAP_FAILED)
		return;
	record = memory;
	room = (size.st_size - sizeof(struct record)) / sizeof(struct change);
}

static void put(uint32_t line, unsigned int level)
{
	struct timespec now;
	uint64_t number;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (atomic_exchange(&levels[line], level) == level)
		return;
	/* Counted also where it does not fit: the reader sees that some are missing. */
	number = atomic_fetch_add(&record->changes, 1);
	if (number < room)
		record->change[number] =
			(struct change){ (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec, line, level };
}

static int describe_chip(struct gpiochip_info *info)
{
	memset(info, 0, sizeof(*info));
	strcpy(info->name, "gpiochip99");
	strcpy(info->label, "played");
	info->lines = LINES;
	return 0;
}

static int describe_line(struct gpio_v2_line_info *info)
{
	if (info->offset >= LINES)
		return EINVAL;
	snprintf(info->name, sizeof(info->name), "GPIO%u", info->offset);
	info->flags = modes[info->offset];
	return 0;
}

static int take_line(struct gpio_v2_line_request *request)
{
	const uint32_t line = request->offsets[0];
	unsigned int level;
	int descriptor;

	if (request->num_lines != 1 || line >= LINES || request->config.flags & REFUSED)
		return EINVAL;
	level = levels[line];
	for (uint32_t i = 0; i < request->config.num_attrs; i++)
		if (request->config.attrs[i].attr.id == GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)
			level = request->config.attrs[i].attr.values & 1;
	descriptor = eventfd(0, EFD_CLOEXEC);
	if (descriptor < 0 || descriptor >= DESCRIPTORS)
		return EMFILE;
	line_of[descriptor] = line;
	modes[line] = request->config.flags;
	request->fd = descriptor;
	put(line, level);
	return 0;
}

static int play(int descriptor, unsigned long request, void *argument)
{
	struct gpio_v2_line_values *values = argument;

	switch (request) {
	case GPIO_GET_CHIPINFO_IOCTL:
		return describe_chip(argument);
	case GPIO_V2_GET_LINEINFO_IOCTL:
		return describe_line(argument);
	case GPIO_V2_GET_LINE_IOCTL:
		return take_line(argument);
	case GPIO_V2_LINE_GET_VALUES_IOCTL:
		values->bits = levels[line_of[descriptor]];
		return 0;
	case GPIO_V2_LINE_SET_VALUES_IOCTL:
		if (values->mask & 1)
			put(line_of[descriptor], values->bits & 1);
		return 0;
	}
	return EINVAL;
}

int ioctl(int descriptor, unsigned long request, ...)
{
	static int (*real)(int, unsigned long, ...);
	va_list rest;
	void *argument;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	if (_IOC_TYPE(request) == GPIO_IOCTLS) {
		errno = play(descriptor, request, argument);
		return errno ? -1 : 0;
	}
	if (!real)
		real = dlsym(RTLD_NEXT, "ioctl");
	return real(descriptor, request, argument);
}

int open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = va_arg(rest, mode_t);
	va_end(rest);
	if (record && strcmp(path, CHIP) == 0)
		return eventfd(0, EFD_CLOEXEC);
	if (!real)
		real = dlsym(RTLD_NEXT, "open");
	return real(path, flags, mode);
}

int access(const char *path, int mode)
{
	static int (*real)(const char *, int);

	if (record && strcmp(path, CHIP) == 0)
		return 0;
	if (!real)
		real = dlsym(RTLD_NEXT, "access");
	return real(path, mode);
}
