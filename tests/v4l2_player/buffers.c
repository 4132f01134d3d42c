/*
 * The camera's buffers: memory that it shares with who reads, queued empty, filled, and taken again, oldest first.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "player.h"

#define MOST_BUFFERS 32
#define PAGE_SIZE 4096ull
#define LONGEST_WAIT_MS 20
#define SECOND 1000000000

enum state { FREE, QUEUED, DONE };

struct buffer {
	enum state state;
	uint64_t turn;
	uint64_t at_ns;
	uint32_t length;
	uint32_t flags;
	uint32_t sequence;
};

static struct buffer buffers[MOST_BUFFERS];
static unsigned int count;
static uint32_t room;
static uint64_t turns;
static int memory = -1;
static uint8_t *view;

bool others_own(const struct handle *handle)
{
	return camera.owner && camera.owner != handle;
}

unsigned int buffers_held(void)
{
	return count;
}

int memory_of_buffers(void)
{
	return memory;
}

static uint64_t distance(void)
{
	return (room + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

static struct buffer *oldest(enum state state)
{
	struct buffer *found = NULL;

	for (unsigned int i = 0; i < count; i++)
		if (buffers[i].state == state && (!found || buffers[i].turn < found->turn))
			found = &buffers[i];
	return found;
}

static void free_buffers(void)
{
	if (memory >= 0) {
		real_munmap(view, distance() * count);
		real_close(memory);
	}
	memory = -1;
	count = 0;
}

static int make_buffers(unsigned int wanted)
{
	room = bytes_per_frame();
	memory = memfd_create("v4l2-player", MFD_CLOEXEC);
	if (memory < 0 || ftruncate(memory, distance() * wanted))
		return ENOMEM;
	view = mmap(NULL, distance() * wanted, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (view == MAP_FAILED)
		return ENOMEM;
	memset(buffers, 0, sizeof(buffers));
	count = wanted;
	return 0;
}

uint32_t bytes_per_frame(void)
{
	return camera.size.width * camera.size.height * 2;
}

int request_buffers(struct handle *handle, struct v4l2_requestbuffers *request)
{
	int code = 0;

	if (request->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || request->memory != V4L2_MEMORY_MMAP)
		return EINVAL;
	if (others_own(handle) || camera.streaming)
		return EBUSY;
	free_buffers();
	camera.owner = NULL;
	if (request->count > MOST_BUFFERS)
		request->count = MOST_BUFFERS;
	if (request->count)
		code = make_buffers(request->count);
	if (count)
		camera.owner = handle;
	request->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP | V4L2_BUF_CAP_SUPPORTS_ORPHANED_BUFS;
	return code;
}

static void tell(unsigned int index, struct v4l2_buffer *buffer)
{
	const struct buffer *from = &buffers[index];

	memset(buffer, 0, sizeof(*buffer));
	buffer->index = index;
	buffer->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	buffer->memory = V4L2_MEMORY_MMAP;
	buffer->field = V4L2_FIELD_NONE;
	buffer->length = room;
	buffer->m.offset = index * distance();
	buffer->bytesused = from->length;
	buffer->sequence = from->sequence;
	buffer->timestamp.tv_sec = from->at_ns / SECOND;
	buffer->timestamp.tv_usec = from->at_ns % SECOND / 1000;
	buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_TSTAMP_SRC_EOF | from->flags;
	if (from->state == QUEUED)
		buffer->flags |= V4L2_BUF_FLAG_QUEUED;
	if (from->state == DONE)
		buffer->flags |= V4L2_BUF_FLAG_DONE;
}

static bool is_ours(const struct v4l2_buffer *buffer)
{
	return buffer->type == V4L2_BUF_TYPE_VIDEO_CAPTURE && buffer->memory == V4L2_MEMORY_MMAP;
}

int query_buffer(struct v4l2_buffer *buffer)
{
	if (buffer->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || buffer->index >= count)
		return EINVAL;
	tell(buffer->index, buffer);
	return 0;
}

int queue_buffer(struct handle *handle, struct v4l2_buffer *buffer)
{
	if (others_own(handle))
		return EBUSY;
	if (!is_ours(buffer) || buffer->index >= count || buffers[buffer->index].state != FREE)
		return EINVAL;
	buffers[buffer->index] = (struct buffer){ .state = QUEUED, .turn = turns++ };
	tell(buffer->index, buffer);
	return 0;
}

/* Called with the lock held, which is given back while it waits. */
static struct buffer *wait_for_frame(struct handle *handle)
{
	struct buffer *done;

	while (!(done = oldest(DONE)) && camera.streaming && !handle->gone) {
		struct pollfd ready = { .fd = handle->descriptor, .events = POLLIN };

		pthread_mutex_unlock(&camera.lock);
		poll(&ready, 1, LONGEST_WAIT_MS);
		pthread_mutex_lock(&camera.lock);
	}
	return done;
}

int dequeue_buffer(struct handle *handle, struct v4l2_buffer *buffer)
{
	struct buffer *done;
	char ready;

	if (others_own(handle))
		return EBUSY;
	if (!is_ours(buffer) || !camera.streaming)
		return EINVAL;
	done = oldest(DONE);
	if (!done && fcntl(handle->descriptor, F_GETFL) & O_NONBLOCK)
		return EAGAIN;
	if (!done)
		done = wait_for_frame(handle);
	if (!done)
		return handle->gone ? ENODEV : EINVAL;
	if (fault_now() == INPUT_ERROR) {
		use_fault(INPUT_ERROR);
		return EIO;
	}
	recv(handle->descriptor, &ready, 1, MSG_DONTWAIT);
	done->state = FREE;
	tell(done - buffers, buffer);
	return 0;
}

/* A picture for the oldest queued buffer, if there is one. */
bool fill_buffer(uint32_t sequence, uint64_t at_ns, enum fault fault)
{
	struct buffer *buffer = oldest(QUEUED);

	if (!buffer)
		return false;
	buffer->length = put_frame(view + (buffer - buffers) * distance(), sequence, fault);
	buffer->flags = fault == ERROR ? V4L2_BUF_FLAG_ERROR : 0;
	buffer->sequence = sequence;
	buffer->at_ns = at_ns;
	buffer->state = DONE;
	buffer->turn = turns++;
	send(camera.owner->far, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return true;
}

void take_back_buffers(void)
{
	for (unsigned int i = 0; i < count; i++)
		buffers[i].state = FREE;
}

void release(struct handle *handle)
{
	if (camera.owner != handle)
		return;
	stop(handle);
	free_buffers();
	camera.owner = NULL;
}
