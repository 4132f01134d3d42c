/*
 * The thread that fills the camera's buffers, one at every interval of the chosen rate. A frame for which no buffer is
 * queued is lost, and its number with it, as with uvcvideo.
 *
 * The thread works for the process, where a kernel would not: page->cpu_ns says how much, so that who measures can take
 * it off.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <time.h>

#include "player.h"

#define SECOND 1000000000ull
#define LONGEST_WAIT (SECOND / 50)
#define UNTIL_CHANGED 0xFFFFFFFFull

static pthread_t thread;
static pthread_cond_t stopped;

enum fault fault_now(void)
{
	return (uint32_t)page->fault;
}

/* It has struck once. */
void use_fault(enum fault fault)
{
	uint64_t now = page->fault;
	uint64_t left = now >> 32;

	if ((uint32_t)now != fault || left == UNTIL_CHANGED)
		return;
	left = left > 1 ? (left - 1) << 32 | fault : NONE;
	atomic_compare_exchange_strong(&page->fault, &now, left);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static void play_frame(uint32_t sequence, uint64_t at_ns)
{
	const enum fault fault = fault_now();

	if (fault == HANG)
		return;
	if (!fill_buffer(sequence, at_ns, fault)) {
		page->dropped++;
		return;
	}
	page->filled++;
	if (fault != INPUT_ERROR)
		use_fault(fault);
}

static void sleep_until(uint64_t wake_ns)
{
	const struct timespec wake = { wake_ns / SECOND, wake_ns % SECOND };

	pthread_cond_timedwait(&stopped, &camera.lock, &wake);
}

static void *play_frames(void *unused)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), due = now + SECOND / camera.rate, worked = 0;
	const uint64_t worked_before = page->cpu_ns;
	uint32_t sequence = 0;

	pthread_mutex_lock(&camera.lock);
	while (camera.streaming && !camera.owner->gone) {
		sleep_until(due < now + LONGEST_WAIT ? due : now + LONGEST_WAIT);
		now = clock_ns(CLOCK_MONOTONIC);
		if (fault_now() == GONE)
			lose_handles();
		else if (camera.streaming && now >= due) {
			play_frame(sequence++, now);
			due += SECOND / camera.rate;
		}
		worked = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		page->cpu_ns = worked_before + worked;
	}
	pthread_mutex_unlock(&camera.lock);
	return unused;
}

int start(struct handle *handle)
{
	pthread_condattr_t attributes;

	if (others_own(handle))
		return EBUSY;
	if (!buffers_held())
		return EINVAL;
	if (camera.streaming)
		return 0;
	if (!load_frames(camera.pixel_format, camera.size, bytes_per_frame()))
		return EIO;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&stopped, &attributes);
	pthread_condattr_destroy(&attributes);
	mend(handle);
	camera.streaming = true;
	if (pthread_create(&thread, NULL, play_frames, NULL)) {
		camera.streaming = false;
		return ENOMEM;
	}
	pthread_setname_np(thread, "v4l2-player");
	return 0;
}

/* Called with the lock held, which is given back while the thread ends. */
static void end_thread(void)
{
	camera.streaming = false;
	pthread_cond_signal(&stopped);
	pthread_mutex_unlock(&camera.lock);
	pthread_join(thread, NULL);
	pthread_mutex_lock(&camera.lock);
	pthread_cond_destroy(&stopped);
}

int stop(struct handle *handle)
{
	if (others_own(handle))
		return EBUSY;
	if (camera.streaming) {
		end_thread();
		cut(handle);
	}
	take_back_buffers();
	return 0;
}
