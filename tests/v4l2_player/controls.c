/*
 * The camera's controls, and what uvcvideo does to who asks for too much: numbers are brought into their range and to
 * their step in silence, entries of a menu are refused, and so is a control that an automatic one has taken over.
 */

#include <errno.h>
#include <string.h>

#include "player.h"

#define MANUAL 1
#define APERTURE_PRIORITY 3

struct control {
	uint32_t id;
	uint32_t type;
	const char *name;
	int32_t minimum, maximum, step, usual;
	/* Inactive unless this other control has this value. */
	uint32_t master;
	int32_t manual;
	int32_t value;
};

/* In the order of their numbers, in which they are listed. */
static struct control controls[] = {
	{ V4L2_CID_USER_CLASS, V4L2_CTRL_TYPE_CTRL_CLASS, "User Controls", 0, 0, 0, 0, 0, 0, 0 },
	{ V4L2_CID_BRIGHTNESS, V4L2_CTRL_TYPE_INTEGER, "Brightness", -64, 64, 1, 0, 0, 0, 0 },
	{ V4L2_CID_AUTO_WHITE_BALANCE, V4L2_CTRL_TYPE_BOOLEAN, "White Balance, Automatic", 0, 1, 1, 1, 0, 0, 1 },
	{ V4L2_CID_GAIN, V4L2_CTRL_TYPE_INTEGER, "Gain", 0, 100, 1, 0, 0, 0, 0 },
	{ V4L2_CID_WHITE_BALANCE_TEMPERATURE, V4L2_CTRL_TYPE_INTEGER, "White Balance Temperature", 2800, 6500, 10, 4600,
	  V4L2_CID_AUTO_WHITE_BALANCE, 0, 4600 },
	{ V4L2_CID_CAMERA_CLASS, V4L2_CTRL_TYPE_CTRL_CLASS, "Camera Controls", 0, 0, 0, 0, 0, 0, 0 },
	{ V4L2_CID_EXPOSURE_AUTO, V4L2_CTRL_TYPE_MENU, "Auto Exposure", 0, 3, 1, APERTURE_PRIORITY, 0, 0,
	  APERTURE_PRIORITY },
	{ V4L2_CID_EXPOSURE_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, "Exposure Time, Absolute", 1, 5000, 1, 157,
	  V4L2_CID_EXPOSURE_AUTO, MANUAL, 157 },
	{ V4L2_CID_FOCUS_ABSOLUTE, V4L2_CTRL_TYPE_INTEGER, "Focus, Absolute", 0, 255, 5, 0, 0, 0, 0 },
};

#define COUNT (sizeof(controls) / sizeof(controls[0]))
#define NEXT_FLAGS (V4L2_CTRL_FLAG_NEXT_CTRL | V4L2_CTRL_FLAG_NEXT_COMPOUND)

static struct control *find(uint32_t id)
{
	const uint32_t plain = id & ~NEXT_FLAGS;

	/* The compound ones that alone are asked for are none. */
	if ((id & NEXT_FLAGS) == V4L2_CTRL_FLAG_NEXT_COMPOUND)
		return NULL;
	for (unsigned int i = 0; i < COUNT; i++)
		if (id & V4L2_CTRL_FLAG_NEXT_CTRL ? controls[i].id > plain : controls[i].id == plain)
			return &controls[i];
	return NULL;
}

static bool is_active(const struct control *control)
{
	return !control->master || find(control->master)->value == control->manual;
}

static uint32_t flags_of(const struct control *control)
{
	if (control->type == V4L2_CTRL_TYPE_CTRL_CLASS)
		return V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_WRITE_ONLY;
	return is_active(control) ? 0 : V4L2_CTRL_FLAG_INACTIVE;
}

static int query(struct v4l2_queryctrl *answer)
{
	const struct control *control = find(answer->id);

	if (!control)
		return EINVAL;
	memset(answer, 0, sizeof(*answer));
	answer->id = control->id;
	answer->type = control->type;
	strcpy((char *)answer->name, control->name);
	answer->minimum = control->minimum;
	answer->maximum = control->maximum;
	answer->step = control->step;
	answer->default_value = control->usual;
	answer->flags = flags_of(control);
	return 0;
}

static int query_extended(struct v4l2_query_ext_ctrl *answer)
{
	const struct control *control = find(answer->id);

	if (!control)
		return EINVAL;
	memset(answer, 0, sizeof(*answer));
	answer->id = control->id;
	answer->type = control->type;
	strcpy(answer->name, control->name);
	answer->minimum = control->minimum;
	answer->maximum = control->maximum;
	answer->step = control->step;
	answer->default_value = control->usual;
	answer->flags = flags_of(control);
	answer->elem_size = sizeof(int32_t);
	answer->elems = 1;
	return 0;
}

static int query_menu(struct v4l2_querymenu *answer)
{
	const char *name = NULL;

	if (answer->id == V4L2_CID_EXPOSURE_AUTO && answer->index == MANUAL)
		name = "Manual Mode";
	if (answer->id == V4L2_CID_EXPOSURE_AUTO && answer->index == APERTURE_PRIORITY)
		name = "Aperture Priority Mode";
	if (!name)
		return EINVAL;
	strcpy((char *)answer->name, name);
	return 0;
}

static int get(uint32_t id, int32_t *value)
{
	const struct control *control = id & NEXT_FLAGS ? NULL : find(id);

	if (!control)
		return EINVAL;
	if (control->type == V4L2_CTRL_TYPE_CTRL_CLASS)
		return EACCES;
	*value = control->value;
	return 0;
}

static int32_t in_range(const struct control *control, int64_t value)
{
	value = value < control->minimum ? control->minimum : value;
	value = value > control->maximum ? control->maximum : value;
	return control->minimum + (value - control->minimum + control->step / 2) / control->step * control->step;
}

static int set(uint32_t id, int32_t *value, bool keep)
{
	struct control *control = id & NEXT_FLAGS ? NULL : find(id);

	if (!control)
		return EINVAL;
	if (control->type == V4L2_CTRL_TYPE_CTRL_CLASS || !is_active(control))
		return EACCES;
	if (control->type == V4L2_CTRL_TYPE_MENU) {
		if (*value < control->minimum || *value > control->maximum)
			return ERANGE;
		if (*value != MANUAL && *value != APERTURE_PRIORITY)
			return EINVAL;
	} else
		*value = in_range(control, *value);
	if (keep)
		control->value = *value;
	return 0;
}

static int many(unsigned int request, struct v4l2_ext_controls *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		struct v4l2_ext_control *one = &list->controls[i];
		int32_t value = one->value;
		const int code = request == VIDIOC_G_EXT_CTRLS ?
			get(one->id, &value) : set(one->id, &value, request == VIDIOC_S_EXT_CTRLS);

		one->value = value;
		if (code) {
			list->error_idx = i;
			return code;
		}
	}
	return 0;
}

int play_control(unsigned int request, void *argument, bool *known)
{
	struct v4l2_control *one = argument;

	*known = true;
	switch (request) {
	case VIDIOC_QUERYCTRL:
		return query(argument);
	case VIDIOC_QUERY_EXT_CTRL:
		return query_extended(argument);
	case VIDIOC_QUERYMENU:
		return query_menu(argument);
	case VIDIOC_G_CTRL:
		return get(one->id, &one->value);
	case VIDIOC_S_CTRL:
		return set(one->id, &one->value, true);
	case VIDIOC_G_EXT_CTRLS:
	case VIDIOC_S_EXT_CTRLS:
	case VIDIOC_TRY_EXT_CTRLS:
		return many(request, argument);
	}
	*known = false;
	return 0;
}
