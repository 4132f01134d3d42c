// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * spi_outside: an SPI bus whose chips are played by a program.
 *
 * It hands each selection of a chip to the program that holds /dev/spi-outside
 * open and gives the program's answer to whoever asked, as i2c_outside.c does
 * it for I2C. Nobody acknowledges anything on SPI: without a program all bytes
 * come back as zeros, as from a line that a Pi pulls down.
 *
 * Chip selects 0 and 1 are free for spidev; the kernel's own driver of analog
 * converters is on those behind them, so that it can judge our twins.
 *
 * One read() gives one selection, in the byte order of the machine:
 *
 *	struct outside_request		its sequence number, its clock and so on
 *	bytes				that are clocked out while the chip is selected
 *
 * One write() answers it:
 *
 *	struct outside_answer		the sequence number, 0 or a negative errno
 *	bytes				if 0: as many, that come back meanwhile
 *
 * There is one selection at a time; the SPI core sees to that. It ends when it
 * is answered, when the program goes away, or when nobody answered within a
 * second. An answer that comes after the end is refused with ESTALE: its number
 * is not the current one.
 */

#include <linux/completion.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/poll.h>
#include <linux/spi/spi.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#define OUTSIDE_LONGEST 65536

struct outside_request {
	__u32 sequence;
	__u32 speed_hz;
	__u16 chip_select;
	__u16 mode;
	__u32 length;
};

struct outside_answer {
	__u32 sequence;
	__s32 status;
};

/* Guards all of the state below. */
static DEFINE_MUTEX(outside_lock);

/* Somebody has the device open: the outside is there. */
static bool outside_present;

/* The selection under way; NULL when there is none. */
static struct spi_message *outside_message;
static struct outside_request outside_now;
static bool outside_unread;

/* How the last selection ended: 0 or a negative errno. */
static int outside_status;

/* What goes over the wires, one piece for all transfers of a selection. */
static u8 outside_bytes[OUTSIDE_LONGEST];

/* A selection waits to be read. */
static DECLARE_WAIT_QUEUE_HEAD(outside_begun);

/* The selection has ended. */
static DECLARE_COMPLETION(outside_ended);

static struct platform_device *outside_parent;
static struct spi_controller *outside_controller;

/* The inside: what the SPI core calls. */

/* Collect what a message sends; gives its length. Called under the lock. */
static int outside_gather(struct spi_message *message)
{
	struct spi_transfer *transfer;
	u32 length = 0;

	list_for_each_entry(transfer, &message->transfers, transfer_list) {
		/* The chip would be let go in the middle, or kept at the end. */
		if (transfer->cs_change)
			return -EOPNOTSUPP;
		if (length + transfer->len > OUTSIDE_LONGEST)
			return -EMSGSIZE;
		if (transfer->tx_buf)
			memcpy(outside_bytes + length, transfer->tx_buf, transfer->len);
		else
			memset(outside_bytes + length, 0, transfer->len);
		length += transfer->len;
	}
	return length;
}

/* Give back what came meanwhile. Called under the lock. */
static void outside_scatter(struct spi_message *message)
{
	struct spi_transfer *transfer;
	u32 length = 0;

	list_for_each_entry(transfer, &message->transfers, transfer_list) {
		if (transfer->rx_buf)
			memcpy(transfer->rx_buf, outside_bytes + length, transfer->len);
		length += transfer->len;
	}
	message->actual_length = length;
}

/* Called under the lock. */
static void outside_end(int status)
{
	outside_message = NULL;
	outside_unread = false;
	outside_status = status;
	complete(&outside_ended);
}

static int outside_begin(struct spi_message *message)
{
	struct spi_transfer *first = list_first_entry(&message->transfers, struct spi_transfer, transfer_list);
	int length;

	mutex_lock(&outside_lock);
	length = outside_gather(message);
	if (length >= 0) {
		outside_now = (struct outside_request){
			.sequence = outside_now.sequence + 1,
			.speed_hz = first->speed_hz,
			.chip_select = spi_get_chipselect(message->spi, 0),
			.mode = message->spi->mode & (SPI_CPOL | SPI_CPHA),
			.length = length,
		};
		reinit_completion(&outside_ended);
		outside_message = message;
		if (outside_present) {
			outside_unread = true;
			wake_up_interruptible(&outside_begun);
		} else {
			memset(outside_bytes, 0, length);
			outside_end(0);
		}
	}
	mutex_unlock(&outside_lock);
	return length < 0 ? length : 0;
}

static int outside_transfer(struct spi_controller *controller, struct spi_message *message)
{
	int status = outside_begin(message);

	if (!status) {
		wait_for_completion_timeout(&outside_ended, HZ);
		/* An answer may have come between the end of the wait and the lock. */
		mutex_lock(&outside_lock);
		if (outside_message)
			outside_end(-ETIMEDOUT);
		status = outside_status;
		if (!status)
			outside_scatter(message);
		mutex_unlock(&outside_lock);
	}
	message->status = status;
	spi_finalize_current_message(controller);
	return 0;
}

/* The outside: what the program calls. */

static int outside_open(struct inode *inode, struct file *file)
{
	int error = -EBUSY;

	mutex_lock(&outside_lock);
	if (!outside_present) {
		outside_present = true;
		error = stream_open(inode, file);
	}
	mutex_unlock(&outside_lock);
	return error;
}

/* The program closed the device, or died: the kernel closes it then. */
static int outside_release(struct inode *inode, struct file *file)
{
	mutex_lock(&outside_lock);
	outside_present = false;
	if (outside_message) {
		memset(outside_bytes, 0, outside_now.length);
		outside_end(0);
	}
	mutex_unlock(&outside_lock);
	return 0;
}

/* Write the selection out as one record. Called under the lock. */
static ssize_t outside_put(char __user *to, size_t room)
{
	size_t size = sizeof(outside_now) + outside_now.length;

	if (room < size)
		return -EMSGSIZE;
	if (copy_to_user(to, &outside_now, sizeof(outside_now)))
		return -EFAULT;
	if (copy_to_user(to + sizeof(outside_now), outside_bytes, outside_now.length))
		return -EFAULT;
	return size;
}

static ssize_t outside_read(struct file *file, char __user *to, size_t room, loff_t *offset)
{
	ssize_t size;

	mutex_lock(&outside_lock);
	/* A loop, since the selection that woke us may be over by the time we have the lock. */
	while (!outside_unread) {
		mutex_unlock(&outside_lock);
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(outside_begun, READ_ONCE(outside_unread)))
			return -ERESTARTSYS;
		mutex_lock(&outside_lock);
	}
	size = outside_put(to, room);
	if (size > 0)
		outside_unread = false;
	mutex_unlock(&outside_lock);
	return size;
}

/* Take an answer, whose bytes start at `from`. Called under the lock. */
static int outside_take(const struct outside_answer *answer, const char __user *from, size_t size)
{
	if (!outside_message || outside_unread || answer->sequence != outside_now.sequence)
		return -ESTALE;
	/* From ERESTARTSYS on, the numbers mean something within the kernel only. */
	if (answer->status > 0 || answer->status <= -ERESTARTSYS)
		return -EINVAL;
	if (size != (answer->status ? 0 : outside_now.length))
		return -EINVAL;
	if (copy_from_user(outside_bytes, from, size))
		return -EFAULT;
	outside_end(answer->status);
	return 0;
}

static ssize_t outside_write(struct file *file, const char __user *from, size_t size, loff_t *offset)
{
	struct outside_answer answer;
	int error;

	if (size < sizeof(answer))
		return -EINVAL;
	if (copy_from_user(&answer, from, sizeof(answer)))
		return -EFAULT;
	mutex_lock(&outside_lock);
	error = outside_take(&answer, from + sizeof(answer), size - sizeof(answer));
	mutex_unlock(&outside_lock);
	return error ? error : size;
}

static __poll_t outside_poll(struct file *file, poll_table *table)
{
	poll_wait(file, &outside_begun, table);
	return EPOLLOUT | EPOLLWRNORM | (READ_ONCE(outside_unread) ? EPOLLIN | EPOLLRDNORM : 0);
}

static const struct file_operations outside_operations = {
	.owner = THIS_MODULE,
	.open = outside_open,
	.release = outside_release,
	.read = outside_read,
	.write = outside_write,
	.poll = outside_poll,
};

static struct miscdevice outside_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "spi-outside",
	.fops = &outside_operations,
};

/* spidev has no name for "anything": whoever wants it there says so by driver_override in sysfs. */
static struct spi_board_info outside_chips[] = {
	{ .modalias = "anything", .chip_select = 0, .max_speed_hz = 125000000 },
	{ .modalias = "anything", .chip_select = 1, .max_speed_hz = 125000000 },
	{ .modalias = "mcp3002", .chip_select = 2, .max_speed_hz = 1000000 },
	{ .modalias = "mcp3008", .chip_select = 3, .max_speed_hz = 1000000 },
	{ .modalias = "mcp3208", .chip_select = 4, .max_speed_hz = 1000000 },
};

static int outside_add_controller(void)
{
	int error;
	int i;

	outside_controller = spi_alloc_host(&outside_parent->dev, 0);
	if (!outside_controller)
		return -ENOMEM;
	outside_controller->bus_num = 0;	/* as the Pi's own: /dev/spidev0.0 */
	outside_controller->num_chipselect = ARRAY_SIZE(outside_chips);
	outside_controller->mode_bits = SPI_CPOL | SPI_CPHA;
	outside_controller->bits_per_word_mask = SPI_BPW_MASK(8);
	outside_controller->transfer_one_message = outside_transfer;
	error = spi_register_controller(outside_controller);
	if (error) {
		spi_controller_put(outside_controller);
		return error;
	}
	for (i = 0; i < ARRAY_SIZE(outside_chips); i++)
		if (!spi_new_device(outside_controller, &outside_chips[i]))
			pr_warn("spi_outside: no device at chip select %d\n", i);
	return 0;
}

static int __init outside_init(void)
{
	int error;

	outside_parent = platform_device_register_simple("spi_outside", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(outside_parent))
		return PTR_ERR(outside_parent);
	error = outside_add_controller();
	if (!error)
		error = misc_register(&outside_device);
	if (error)
		pr_err("spi_outside: %d\n", error);
	return error;
}

/* Built in, and behind the drivers of its chips. */
late_initcall(outside_init);

MODULE_DESCRIPTION("An SPI bus whose chips are played by a program");
MODULE_LICENSE("GPL");
