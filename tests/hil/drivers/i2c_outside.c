// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * i2c_outside: an I2C bus whose chips are played by a program.
 *
 * The kernel's own simulated bus, i2c-stub, answers SMBus calls by itself and
 * never fails. This one knows plain I2C messages and has no chips at all: it
 * hands each transfer to the program that holds /dev/i2c-outside open and gives
 * the program's answer to whoever asked. So a test decides what every chip
 * says, when it stays silent and when it holds the bus.
 *
 * One read() gives one transfer, in the byte order of the machine:
 *
 *	struct outside_request		its sequence number, its number of messages
 *	struct outside_message		for each message
 *	bytes				of the messages that write, one after the other
 *
 * One write() answers it:
 *
 *	struct outside_answer		the sequence number, 0 or a negative errno
 *	bytes				if 0: of the messages that read, exactly as asked
 *
 * There is one transfer at a time; the I2C core sees to that. It ends when it
 * is answered, when the program goes away, when nobody answered within the
 * adapter's timeout, or when its caller is killed. An answer that comes after
 * the end is refused with ESTALE: its number is not the current one.
 */

#include <linux/completion.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/i2c.h>
#include <linux/jiffies.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

struct outside_request {
	__u32 sequence;
	__u32 count;
};

struct outside_message {
	__u16 address;
	__u16 flags;		/* I2C_M_RD or 0 */
	__u16 length;
	__u16 unused;
};

struct outside_answer {
	__u32 sequence;
	__s32 status;
};

/* Guards all of the state below. */
static DEFINE_MUTEX(outside_lock);

/* Somebody has the device open: the outside is there. */
static bool outside_present;

/* The transfer under way, in its caller's memory; NULL when there is none. */
static struct i2c_msg *outside_messages;
static int outside_count;
static u32 outside_sequence;
static bool outside_unread;

/* How the last transfer ended: 0 or a negative errno. */
static int outside_status;

/* A transfer waits to be read. */
static DECLARE_WAIT_QUEUE_HEAD(outside_begun);

/* The transfer has ended. */
static DECLARE_COMPLETION(outside_ended);

static bool is_read(const struct i2c_msg *message)
{
	return message->flags & I2C_M_RD;
}

/* The inside: what the I2C core calls. */

static int outside_begin(struct i2c_msg *messages, int count)
{
	int error = 0;

	mutex_lock(&outside_lock);
	if (outside_present) {
		outside_messages = messages;
		outside_count = count;
		outside_sequence++;
		outside_unread = true;
		reinit_completion(&outside_ended);
		wake_up_interruptible(&outside_begun);
	} else {
		error = -ENXIO;
	}
	mutex_unlock(&outside_lock);
	return error;
}

/* Called under the lock. From here on nobody touches the messages. */
static void outside_end(int status)
{
	outside_messages = NULL;
	outside_unread = false;
	outside_status = status;
	complete(&outside_ended);
}

static int outside_transfer(struct i2c_adapter *adapter, struct i2c_msg *messages, int count)
{
	long left;
	int status;
	int i;

	/*
	 * Ten-bit addresses, left-out STARTs and their like are not offered in
	 * outside_functionality(), but i2c-dev lets them through. DMA_SAFE says
	 * something about the memory and nothing about the wires.
	 */
	for (i = 0; i < count; i++)
		if (messages[i].flags & ~(I2C_M_RD | I2C_M_DMA_SAFE))
			return -EOPNOTSUPP;

	status = outside_begin(messages, count);
	if (status)
		return status;

	/*
	 * Signals that a program lives through do not cut a transfer short, as
	 * on the Pi's own controller; one that kills it does not have to wait.
	 */
	left = wait_for_completion_killable_timeout(&outside_ended, adapter->timeout);

	/* An answer may have come between the end of the wait and the lock. */
	mutex_lock(&outside_lock);
	if (outside_messages)
		outside_end(left < 0 ? left : -ETIMEDOUT);
	status = outside_status;
	mutex_unlock(&outside_lock);
	return status ? status : count;
}

static u32 outside_functionality(struct i2c_adapter *adapter)
{
	/* The core makes SMBus calls out of plain messages. */
	return I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
}

static const struct i2c_algorithm outside_algorithm = {
	.master_xfer = outside_transfer,
	.functionality = outside_functionality,
};

static struct i2c_adapter outside_adapter = {
	.owner = THIS_MODULE,
	.name = "pi-drivers outside",	/* in /sys/class/i2c-dev/i2c-N/name */
	.algo = &outside_algorithm,
	.timeout = HZ,			/* one second, as the Pi's own controller has it */
};

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
	if (outside_messages)
		outside_end(-ENXIO);
	mutex_unlock(&outside_lock);
	return 0;
}

/* How many bytes all the messages of one direction carry. */
static size_t outside_bytes(bool read)
{
	size_t bytes = 0;
	int i;

	for (i = 0; i < outside_count; i++)
		if (is_read(&outside_messages[i]) == read)
			bytes += outside_messages[i].len;
	return bytes;
}

/* Write the transfer out as one record. Called under the lock. */
static ssize_t outside_put(char __user *to, size_t room)
{
	struct outside_request request = { .sequence = outside_sequence, .count = outside_count };
	size_t size = sizeof(request) + outside_count * sizeof(struct outside_message) + outside_bytes(false);
	int i;

	if (room < size)
		return -EMSGSIZE;
	if (copy_to_user(to, &request, sizeof(request)))
		return -EFAULT;
	to += sizeof(request);
	for (i = 0; i < outside_count; i++) {
		struct outside_message message = {
			.address = outside_messages[i].addr,
			.flags = outside_messages[i].flags & I2C_M_RD,
			.length = outside_messages[i].len,
		};

		if (copy_to_user(to, &message, sizeof(message)))
			return -EFAULT;
		to += sizeof(message);
	}
	for (i = 0; i < outside_count; i++) {
		if (is_read(&outside_messages[i]))
			continue;
		if (copy_to_user(to, outside_messages[i].buf, outside_messages[i].len))
			return -EFAULT;
		to += outside_messages[i].len;
	}
	return size;
}

static ssize_t outside_read(struct file *file, char __user *to, size_t room, loff_t *offset)
{
	ssize_t size;

	mutex_lock(&outside_lock);
	/* A loop, since the transfer that woke us may be over by the time we have the lock. */
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
	int i;

	if (!outside_messages || outside_unread || answer->sequence != outside_sequence)
		return -ESTALE;
	/* From ERESTARTSYS on, the numbers mean something within the kernel only. */
	if (answer->status > 0 || answer->status <= -ERESTARTSYS)
		return -EINVAL;
	if (size != (answer->status ? 0 : outside_bytes(true)))
		return -EINVAL;
	for (i = 0; i < outside_count && !answer->status; i++) {
		if (!is_read(&outside_messages[i]))
			continue;
		if (copy_from_user(outside_messages[i].buf, from, outside_messages[i].len))
			return -EFAULT;
		from += outside_messages[i].len;
	}
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
	.name = "i2c-outside",
	.fops = &outside_operations,
};

static int __init outside_init(void)
{
	int error;

	error = i2c_add_adapter(&outside_adapter);
	if (error)
		return error;
	error = misc_register(&outside_device);
	if (error)
		i2c_del_adapter(&outside_adapter);
	return error;
}

static void __exit outside_exit(void)
{
	misc_deregister(&outside_device);
	i2c_del_adapter(&outside_adapter);
}

module_init(outside_init);
module_exit(outside_exit);

MODULE_DESCRIPTION("An I2C bus whose chips are played by a program");
MODULE_LICENSE("GPL");
