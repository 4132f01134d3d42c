/*
 * Memory of the camera that the process has mapped. The kernel keeps a camera for who has its memory mapped, even after
 * close(), and so does the player.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "player.h"

#define MOST_MAPS 256

static struct {
	void *address;
	struct handle *handle;
} maps[MOST_MAPS];

int real_munmap(void *address, size_t length)
{
	return NEXT(munmap)(address, length);
}

static void remember(void *address, struct handle *handle)
{
	for (int i = 0; i < MOST_MAPS; i++)
		if (!maps[i].handle) {
			maps[i].address = address;
			maps[i].handle = handle;
			handle->maps++;
			return;
		}
	abort();
}

void *mmap(void *address, size_t length, int protection, int flags, int descriptor, off_t offset)
{
	struct handle *handle = handle_at(descriptor);
	void *memory;

	if (!handle)
		return NEXT(mmap)(address, length, protection, flags, descriptor, offset);
	pthread_mutex_lock(&camera.lock);
	memory = MAP_FAILED;
	errno = handle->gone ? ENODEV : EINVAL;
	if (!handle->gone && memory_of_buffers() >= 0)
		memory = NEXT(mmap)(address, length, protection, flags, memory_of_buffers(), offset);
	if (memory != MAP_FAILED)
		remember(memory, handle);
	pthread_mutex_unlock(&camera.lock);
	return memory;
}

void *mmap64(void *address, size_t length, int protection, int flags, int descriptor, off64_t offset)
{
	return mmap(address, length, protection, flags, descriptor, offset);
}

static void forget(void *address)
{
	pthread_mutex_lock(&camera.lock);
	for (int i = 0; i < MOST_MAPS; i++)
		if (maps[i].handle && maps[i].address == address) {
			struct handle *handle = maps[i].handle;

			maps[i].handle = NULL;
			handle->maps--;
			release_if_done(handle);
		}
	pthread_mutex_unlock(&camera.lock);
}

int munmap(void *address, size_t length)
{
	if (page && is_this_process())
		forget(address);
	return real_munmap(address, length);
}
