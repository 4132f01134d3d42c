/*
 * Plays a USB camera to one process, so that what reads a camera can be tested and measured on a machine without one.
 *
 * It is loaded into the process by LD_PRELOAD. The camera is the regular file that V4L2_PLAYER_CAMERA names when the
 * process starts, under whatever name or link it is opened later: to give it another number, rename it; to unplug it,
 * set the fault `gone` and move it away. This part takes the calls of the C library; whatever concerns other files goes
 * on to the kernel.
 *
 * The descriptor handed out is a socket, so poll, select and epoll are the kernel's own. What differs from a camera:
 * before it first streams, poll reports nothing where it should report POLLERR; after that, POLLIN and POLLHUP stand
 * beside POLLERR; and when the camera is gone, POLLIN stands beside POLLERR and POLLHUP.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "player.h"

#define DESCRIPTORS 4096
#define MOST_HANDLES 16

struct page *page;
struct camera camera = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct stat file;
static pid_t process;
static struct handle handles[MOST_HANDLES];
static _Atomic(struct handle *) handle_of[DESCRIPTORS];

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("V4L2_PLAYER_CAMERA"), *control = getenv("V4L2_PLAYER_PAGE");
	void *memory;
	int descriptor;

	if (!path || !control || stat(path, &file))
		return;
	descriptor = NEXT(open)(control, O_RDWR | O_CLOEXEC);
	memory = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	real_close(descriptor);
	if (memory == MAP_FAILED)
		return;
	process = getpid();
	choose_first();
	page = memory;
}

/* A child that has not yet started its program may share our memory: what it closes is not ours. */
bool is_this_process(void)
{
	return getpid() == process;
}

struct handle *handle_at(int descriptor)
{
	if (!page || descriptor < 0 || descriptor >= DESCRIPTORS || !handle_of[descriptor] || !is_this_process())
		return NULL;
	return handle_of[descriptor];
}

static struct handle *free_handle(void)
{
	for (int i = 0; i < MOST_HANDLES; i++)
		if (!handles[i].used)
			return &handles[i];
	return NULL;
}

static int hand_out(int flags)
{
	struct handle *handle = free_handle();
	int ends[2];

	if (fault_now() == GONE) {
		lose_handles();
		errno = ENODEV;
		return -1;
	}
	if (!handle || socketpair(AF_UNIX, SOCK_STREAM | (flags & (O_CLOEXEC | O_NONBLOCK)), 0, ends)) {
		errno = EMFILE;
		return -1;
	}
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	*handle = (struct handle){ .used = true, .descriptor = ends[0], .far = ends[1] };
	handle_of[ends[0]] = handle;
	page->opened++;
	return ends[0];
}

static int opened(int descriptor, int flags)
{
	struct stat found;

	if (!page || descriptor < 0 || fstat(descriptor, &found) || found.st_ino != file.st_ino ||
	    found.st_dev != file.st_dev)
		return descriptor;
	real_close(descriptor);
	pthread_mutex_lock(&camera.lock);
	descriptor = hand_out(flags);
	pthread_mutex_unlock(&camera.lock);
	return descriptor;
}

/* Whoever waits is woken, and polls an error. A peer that goes away with bytes unread is one. */
void cut(struct handle *handle)
{
	if (handle->far < 0)
		return;
	if (!handle->closed)
		send(handle->descriptor, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	real_close(handle->far);
	handle->far = -1;
}

/* The same descriptor, as new. */
void mend(struct handle *handle)
{
	int ends[2], flags;

	if (handle->far >= 0)
		return;
	flags = fcntl(handle->descriptor, F_GETFL) & O_NONBLOCK;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, ends))
		abort();
	dup3(ends[0], handle->descriptor, fcntl(handle->descriptor, F_GETFD) ? O_CLOEXEC : 0);
	real_close(ends[0]);
	handle->far = ends[1];
}

/* The camera was pulled out. */
void lose_handles(void)
{
	for (int i = 0; i < MOST_HANDLES; i++)
		if (handles[i].used) {
			handles[i].gone = true;
			cut(&handles[i]);
		}
}

/* Closed, and none of its memory mapped any more. */
void release_if_done(struct handle *handle)
{
	if (!handle->closed || handle->maps)
		return;
	release(handle);
	cut(handle);
	handle->used = false;
}

int real_close(int descriptor)
{
	return NEXT(close)(descriptor);
}

int close(int descriptor)
{
	struct handle *handle = handle_at(descriptor);

	if (handle) {
		pthread_mutex_lock(&camera.lock);
		handle_of[descriptor] = NULL;
		handle->closed = true;
		release_if_done(handle);
		pthread_mutex_unlock(&camera.lock);
	}
	return real_close(descriptor);
}

int ioctl(int descriptor, unsigned long request, ...)
{
	struct handle *handle = handle_at(descriptor);
	va_list rest;
	void *argument;
	int code;

	va_start(rest, request);
	argument = va_arg(rest, void *);
	va_end(rest);
	if (!handle)
		return NEXT(ioctl)(descriptor, request, argument);
	pthread_mutex_lock(&camera.lock);
	if (fault_now() == GONE)
		lose_handles();
	code = handle->gone ? ENODEV : play(handle, request, argument);
	pthread_mutex_unlock(&camera.lock);
	if (code)
		errno = code;
	return code ? -1 : 0;
}

#define MODE_OF(flags, mode) \
	do { \
		va_list rest; \
		va_start(rest, flags); \
		mode = va_arg(rest, mode_t); \
		va_end(rest); \
	} while (0)

int open(const char *path, int flags, ...)
{
	mode_t mode;

	MODE_OF(flags, mode);
	return opened(NEXT(open)(path, flags, mode), flags);
}

int open64(const char *path, int flags, ...)
{
	mode_t mode;

	MODE_OF(flags, mode);
	return opened(NEXT(open64)(path, flags, mode), flags);
}

int openat(int folder, const char *path, int flags, ...)
{
	mode_t mode;

	MODE_OF(flags, mode);
	return opened(NEXT(openat)(folder, path, flags, mode), flags);
}

int openat64(int folder, const char *path, int flags, ...)
{
	mode_t mode;

	MODE_OF(flags, mode);
	return opened(NEXT(openat64)(folder, path, flags, mode), flags);
}

int __open_2(const char *path, int flags)
{
	return open(path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return open64(path, flags, 0);
}
