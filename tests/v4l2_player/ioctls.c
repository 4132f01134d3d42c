/*
 * Which part of the player answers which request of a program that has the camera open. What is not here is ENOTTY, as
 * from a driver that does not have it.
 */

#include <errno.h>

#include "player.h"

int play(struct handle *handle, unsigned int request, void *argument)
{
	bool known = false;
	int code;

	switch (request) {
	case VIDIOC_QUERYCAP:
		return describe(argument);
	case VIDIOC_ENUM_FMT:
		return list_format(argument);
	case VIDIOC_ENUM_FRAMESIZES:
		return list_size(argument);
	case VIDIOC_ENUM_FRAMEINTERVALS:
		return list_interval(argument);
	case VIDIOC_G_FMT:
		return get_format(argument);
	case VIDIOC_TRY_FMT:
		return try_format(argument);
	case VIDIOC_S_FMT:
		return set_format(handle, argument);
	case VIDIOC_G_PARM:
		return get_rate(argument);
	case VIDIOC_S_PARM:
		return set_rate(handle, argument);
	case VIDIOC_ENUMINPUT:
		return ((struct v4l2_input *)argument)->index ? EINVAL : 0;
	case VIDIOC_G_INPUT:
		*(int *)argument = 0;
		return 0;
	case VIDIOC_S_INPUT:
		return *(int *)argument ? EINVAL : 0;
	case VIDIOC_REQBUFS:
		return request_buffers(handle, argument);
	case VIDIOC_QUERYBUF:
		return query_buffer(argument);
	case VIDIOC_QBUF:
		return queue_buffer(handle, argument);
	case VIDIOC_DQBUF:
		return dequeue_buffer(handle, argument);
	case VIDIOC_STREAMON:
		return start(handle);
	case VIDIOC_STREAMOFF:
		return stop(handle);
	}
	code = play_control(request, argument, &known);
	return known ? code : ENOTTY;
}
