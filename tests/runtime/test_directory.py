"""The directory: siblings find each other by API and name."""

from viam.components.motor import Motor

from pi_drivers.runtime.directory import Directory, key_of


def test_a_resource_is_found_by_its_api_and_name():
    directory, resource = Directory(), object()
    directory.enter(("motor", "left"), resource)
    assert directory.find(key_of(Motor.get_resource_name("left"))) is resource
    assert directory.find(("encoder", "left")) is None


def test_a_resource_of_a_remote_machine_is_another_one():
    directory = Directory()
    directory.enter(("motor", "left"), object())
    assert directory.find(key_of(Motor.get_resource_name("attic:left"))) is None


def test_the_newest_of_a_name_wins():
    directory, old, new = Directory(), object(), object()
    directory.enter(("motor", "left"), old)
    directory.enter(("motor", "left"), new)
    assert directory.find(("motor", "left")) is new


def test_an_old_one_that_leaves_late_does_not_take_the_new_one_along():
    directory, old, new = Directory(), object(), object()
    directory.enter(("motor", "left"), old)
    directory.enter(("motor", "left"), new)
    directory.leave(("motor", "left"), old)
    assert directory.find(("motor", "left")) is new


def test_what_has_left_is_gone():
    directory, resource = Directory(), object()
    directory.enter(("motor", "left"), resource)
    directory.leave(("motor", "left"), resource)
    directory.leave(("motor", "left"), resource)
    assert (directory.find(("motor", "left")), len(directory)) == (None, 0)
