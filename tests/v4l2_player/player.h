/*
 * What the parts of the player share: the page through which a test talks to it, the open descriptors, the camera.
 */

#ifndef PLAYER_H
#define PLAYER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/videodev2.h>

/* What the C library has under this name. */
#define NEXT(name) ((typeof(&(name)))dlsym(RTLD_NEXT, #name))

/* The order is that of FAULTS in player.py. */
enum fault { NONE, HANG, ERROR, HALF, EMPTY, GARBAGE, GONE, INPUT_ERROR };

/* A file that a test writes while the camera plays; player.py has the same order. */
struct page {
	/* The fault below, above it for how many frames (or calls) it lasts; UNTIL_CHANGED counts nothing. */
	atomic_uint_least64_t fault;
	atomic_uint_least64_t opened;
	atomic_uint_least64_t filled;
	atomic_uint_least64_t dropped;
	atomic_uint_least64_t cpu_ns;
};

/* One open descriptor. Bytes from `far` make it readable, one for every buffer that is filled; -1 once it is cut. */
struct handle {
	bool used;
	bool closed;
	bool gone;
	int descriptor;
	int far;
	int maps;
};

struct size {
	uint32_t width;
	uint32_t height;
};

/* One for the process; everything in it belongs to `lock`. What is chosen outlasts the descriptor, as in a camera. */
struct camera {
	pthread_mutex_t lock;
	uint32_t pixel_format;
	struct size size;
	uint32_t rate;
	struct handle *owner;
	bool streaming;
};

extern struct camera camera;
extern struct page *page;

/* ioctls.c */
int play(struct handle *handle, unsigned int request, void *argument);

/* opening.c */
int real_close(int descriptor);
bool is_this_process(void);
struct handle *handle_at(int descriptor);
void release_if_done(struct handle *handle);
void lose_handles(void);
void cut(struct handle *handle);
void mend(struct handle *handle);

/* mapping.c */
int real_munmap(void *address, size_t length);

/* formats.c: each returns 0 or the errno */
int describe(struct v4l2_capability *answer);
int list_format(struct v4l2_fmtdesc *answer);
int list_size(struct v4l2_frmsizeenum *answer);
int list_interval(struct v4l2_frmivalenum *answer);
int get_format(struct v4l2_format *format);
int try_format(struct v4l2_format *format);
int set_format(struct handle *handle, struct v4l2_format *format);
int get_rate(struct v4l2_streamparm *parameter);
int set_rate(struct handle *handle, struct v4l2_streamparm *parameter);
void choose_first(void);

/* controls.c */
int play_control(unsigned int request, void *argument, bool *known);

/* streaming.c */
enum fault fault_now(void);
void use_fault(enum fault fault);
int start(struct handle *handle);
int stop(struct handle *handle);

/* buffers.c */
bool others_own(const struct handle *handle);
uint32_t bytes_per_frame(void);
unsigned int buffers_held(void);
int memory_of_buffers(void);
int request_buffers(struct handle *handle, struct v4l2_requestbuffers *request);
int query_buffer(struct v4l2_buffer *buffer);
int queue_buffer(struct handle *handle, struct v4l2_buffer *buffer);
int dequeue_buffer(struct handle *handle, struct v4l2_buffer *buffer);
bool fill_buffer(uint32_t sequence, uint64_t at_ns, enum fault fault);
void take_back_buffers(void);
void release(struct handle *handle);

/* frames.c */
bool load_frames(uint32_t pixel_format, struct size size, uint32_t room);
uint32_t put_frame(uint8_t *to, uint32_t sequence, enum fault fault);

#endif
