/*
 * What the camera offers: its name, two formats in two sizes at the rates of V4L2_PLAYER_RATES, and what is chosen.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "player.h"

#define MOST_RATES 8
#define KERNEL (6 << 16 | 12 << 8)
#define ABILITIES (V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_EXT_PIX_FORMAT)

static const struct {
	uint32_t pixel_format;
	uint32_t flags;
	const char *name;
} formats[] = {
	{ V4L2_PIX_FMT_MJPEG, V4L2_FMT_FLAG_COMPRESSED, "Motion-JPEG" },
	{ V4L2_PIX_FMT_YUYV, 0, "YUYV 4:2:2" },
};
static const struct size sizes[] = { { 640, 480 }, { 1280, 720 } };
static uint32_t rates[MOST_RATES];
static unsigned int rates_known;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The first of each is what the camera starts with. */
void choose_first(void)
{
	const char *text = getenv("V4L2_PLAYER_RATES");
	char *rest = (char *)(text ? text : "30,15,5");

	while (rates_known < MOST_RATES && *rest) {
		rates[rates_known++] = strtoul(rest, &rest, 10);
		rest += *rest == ',';
	}
	camera.pixel_format = formats[0].pixel_format;
	camera.size = sizes[0];
	camera.rate = rates[0];
}

int describe(struct v4l2_capability *answer)
{
	memset(answer, 0, sizeof(*answer));
	strcpy((char *)answer->driver, "uvcvideo");
	strcpy((char *)answer->card, "Played Camera: Played Camera");
	strcpy((char *)answer->bus_info, "usb-played-1.1");
	answer->version = KERNEL;
	answer->device_caps = ABILITIES;
	answer->capabilities = ABILITIES | V4L2_CAP_DEVICE_CAPS;
	return 0;
}

int list_format(struct v4l2_fmtdesc *answer)
{
	const uint32_t index = answer->index;

	if (answer->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || index >= COUNT(formats))
		return EINVAL;
	answer->pixelformat = formats[index].pixel_format;
	answer->flags = formats[index].flags;
	strcpy((char *)answer->description, formats[index].name);
	return 0;
}

static bool is_offered(uint32_t pixel_format)
{
	for (unsigned int i = 0; i < COUNT(formats); i++)
		if (formats[i].pixel_format == pixel_format)
			return true;
	return false;
}

int list_size(struct v4l2_frmsizeenum *answer)
{
	if (!is_offered(answer->pixel_format) || answer->index >= COUNT(sizes))
		return EINVAL;
	answer->type = V4L2_FRMSIZE_TYPE_DISCRETE;
	answer->discrete.width = sizes[answer->index].width;
	answer->discrete.height = sizes[answer->index].height;
	return 0;
}

int list_interval(struct v4l2_frmivalenum *answer)
{
	bool size_known = false;

	for (unsigned int i = 0; i < COUNT(sizes); i++)
		size_known |= sizes[i].width == answer->width && sizes[i].height == answer->height;
	if (!size_known || !is_offered(answer->pixel_format) || answer->index >= rates_known)
		return EINVAL;
	answer->type = V4L2_FRMIVAL_TYPE_DISCRETE;
	answer->discrete = (struct v4l2_fract){ 1, rates[answer->index] };
	return 0;
}

static void fill_format(struct v4l2_format *format, uint32_t pixel_format, struct size size)
{
	const bool compressed = pixel_format == V4L2_PIX_FMT_MJPEG;

	format->fmt.pix = (struct v4l2_pix_format){
		.width = size.width,
		.height = size.height,
		.pixelformat = pixel_format,
		.field = V4L2_FIELD_NONE,
		.bytesperline = compressed ? 0 : size.width * 2,
		.sizeimage = size.width * size.height * 2,
		.colorspace = V4L2_COLORSPACE_SRGB,
	};
}

int get_format(struct v4l2_format *format)
{
	if (format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return EINVAL;
	fill_format(format, camera.pixel_format, camera.size);
	return 0;
}

/* As uvcvideo: what the camera does not have is not an error; it answers with what comes nearest. */
int try_format(struct v4l2_format *format)
{
	const struct v4l2_pix_format wanted = format->fmt.pix;
	long best = -1;
	struct size nearest = sizes[0];

	if (format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return EINVAL;
	for (unsigned int i = 0; i < COUNT(sizes); i++) {
		const long away = labs((long)sizes[i].width - wanted.width) + labs((long)sizes[i].height - wanted.height);

		if (best < 0 || away < best) {
			best = away;
			nearest = sizes[i];
		}
	}
	fill_format(format, is_offered(wanted.pixelformat) ? wanted.pixelformat : formats[0].pixel_format, nearest);
	return 0;
}

int set_format(struct handle *handle, struct v4l2_format *format)
{
	const int code = try_format(format);

	if (code)
		return code;
	if (others_own(handle) || buffers_held())
		return EBUSY;
	camera.pixel_format = format->fmt.pix.pixelformat;
	camera.size = (struct size){ format->fmt.pix.width, format->fmt.pix.height };
	return 0;
}

int get_rate(struct v4l2_streamparm *parameter)
{
	if (parameter->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return EINVAL;
	memset(&parameter->parm, 0, sizeof(parameter->parm));
	parameter->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
	parameter->parm.capture.timeperframe = (struct v4l2_fract){ 1, camera.rate };
	return 0;
}

int set_rate(struct handle *handle, struct v4l2_streamparm *parameter)
{
	const struct v4l2_fract wanted = parameter->parm.capture.timeperframe;
	const double rate = wanted.numerator ? (double)wanted.denominator / wanted.numerator : rates[0];
	uint32_t nearest = rates[0];

	if (parameter->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return EINVAL;
	if (others_own(handle) || camera.streaming)
		return EBUSY;
	for (unsigned int i = 1; i < rates_known; i++)
		if ((rates[i] - rate) * (rates[i] - rate) < (nearest - rate) * (nearest - rate))
			nearest = rates[i];
	camera.rate = nearest;
	return get_rate(parameter);
}
