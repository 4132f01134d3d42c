"""From the attributes that drivers of the kernel write to readings: each example is a driver's own, named with it."""

import math

import pytest

from pi_drivers.errors import CorruptDataError, NotFoundError
from pi_drivers.models.sensor.iio_channels import channels_of, number_of


def readings(texts: dict[str, str], *, hwmon: bool = False) -> dict[str, float]:
    """What a device with these attributes says."""
    channels = channels_of(texts, is_hwmon=hwmon, text_of=texts.__getitem__)
    return {channel.key: channel.read(texts.__getitem__) for channel in channels}


def test_bme280_is_ready_and_its_kilopascals_become_hectopascals():
    # drivers/iio/pressure/bmp280-core.c: thousandths, and kPa with nine decimals.
    assert readings({"in_temp_input": "21340", "in_pressure_input": "101.325000000",
                     "in_humidityrelative_input": "45123", "in_temp_oversampling_ratio": "2",
                     "in_pressure_oversampling_ratio_available": "1 2 4 8 16"}) == {
        "temperature_c": pytest.approx(21.34),
        "pressure_hpa": pytest.approx(1013.25),
        "relative_humidity_pct": pytest.approx(45.123),
    }  # fmt: skip


def test_an_offset_is_added_before_the_scale_is_applied():
    # drivers/iio/humidity/si7020.c; by hand: (6200 - 4368) * 10.725 m°C = 19.648 °C.
    assert readings({"in_temp_raw": "6200", "in_temp_offset": "-4368", "in_temp_scale": "10.725097656"}) == {
        "temperature_c": pytest.approx(19.6484, abs=1e-4)
    }


def test_a_thermometer_within_a_motion_sensor_has_a_large_offset():
    # drivers/iio/imu/inv_mpu6050: 36.53 °C at 0, 340 counts a degree (MPU-6050 register map, section 4.18).
    assert readings({"in_temp_raw": "-521", "in_temp_offset": "12421", "in_temp_scale": "2.941176"}) == {
        "temperature_c": pytest.approx(35.0, abs=1e-3)
    }


def test_a_scale_may_belong_to_all_channels_of_a_type():
    # drivers/iio/adc/mcp320x.c with 3.3 V: 3300 / 1024 mV a count; eight channels alone and in pairs.
    assert readings({"in_voltage0_raw": "512", "in_voltage7_raw": "1023", "in_voltage0-voltage1_raw": "100",
                     "in_voltage_scale": "3.222656250", "in_voltage-voltage_scale": "3.222656250"}) == {
        "voltage0_v": pytest.approx(1.65),
        "voltage7_v": pytest.approx(3.29678, abs=1e-5),
        "voltage0_minus_1_v": pytest.approx(0.322266, abs=1e-6),
    }  # fmt: skip


def test_a_scale_of_its_own_comes_before_that_of_its_type():
    # drivers/iio/adc/ti-ads1015.c: each channel has its gain.
    assert readings({"in_voltage0_raw": "1000", "in_voltage0_scale": "2.000000000",
                     "in_voltage1_raw": "1000", "in_voltage1_scale": "0.125000000", "in_voltage_scale": "9"}) == {
        "voltage0_v": pytest.approx(2.0),
        "voltage1_v": pytest.approx(0.125),
    }  # fmt: skip


def test_the_simple_dummy_of_the_kernel():
    # drivers/iio/dummy/iio_simple_dummy.c: what it is born with.
    assert readings({
        "in_voltage0_raw": "73", "in_voltage0_offset": "7", "in_voltage0_scale": "0.001333",
        "in_voltage1-voltage2_raw": "33", "in_voltage3-voltage4_raw": "-34", "in_voltage-voltage_scale": "0.000001344",
        "in_accel_x_raw": "34", "in_accel_x_calibbias": "-7", "in_accel_x_calibscale": "0.890123",
        "in_activity_running_input": "0", "in_steps_input": "0", "in_sampling_frequency": "1.000000003",
        "out_voltage0_raw": "0",
    }) == {
        "voltage0_v": pytest.approx((73 + 7) * 0.001333e-3),
        "voltage1_minus_2_v": pytest.approx(33 * 1.344e-9),
        "voltage3_minus_4_v": pytest.approx(-34 * 1.344e-9),
        "acceleration_x_raw": 34.0,
        "steps": 0.0,
    }  # fmt: skip


def test_turns_are_degrees_and_gauss_are_microteslas():
    assert readings({"in_anglvel_z_raw": "1000", "in_anglvel_scale": "0.001064724",
                     "in_magn_x_raw": "250", "in_magn_scale": "0.001000",
                     "in_accel_x_raw": "-16384", "in_accel_scale": "0.000598550"}) == {
        "angular_velocity_z_deg_per_s": pytest.approx(1.064724 * 180 / math.pi),
        "magnetic_field_x_ut": pytest.approx(25.0),
        "acceleration_x_m_per_s2": pytest.approx(-9.8066, abs=1e-3),
    }  # fmt: skip


def test_light_gas_and_dust_keep_their_units():
    # drivers/iio/light/bh1750.c; chemical/scd30_core.c (percent); chemical/sps30.c (µg/m³); proximity/vl53l0x-i2c.c.
    assert readings({"in_illuminance_raw": "384", "in_illuminance_scale": "0.833333",
                     "in_concentration_co2_raw": "415", "in_concentration_co2_scale": "0.000100000",
                     "in_massconcentration_pm2p5_input": "7.310000", "in_distance_raw": "1234",
                     "in_distance_scale": "0.001000000", "in_proximity_raw": "812", "in_intensity_both_raw": "77"}) == {
        "illuminance_lux": pytest.approx(320, abs=0.01),
        "concentration_co2_pct": pytest.approx(0.0415),
        "mass_concentration_pm2p5_ug_per_m3": 7.31,
        "distance_m": pytest.approx(1.234),
        "proximity": 812,
        "intensity_both": 77,
    }  # fmt: skip


def test_a_value_that_is_ready_comes_before_its_counts_and_statistics_are_left_out():
    assert readings({"in_temp_input": "21000", "in_temp_raw": "9", "in_temp_scale": "3", "in_temp_mean_raw": "4",
                     "in_accel_x_peak_raw": "8", "in_temp_thresh_rising_value": "1"}) == {
        "temperature_c": 21.0
    }  # fmt: skip


def test_counts_that_nobody_scales_are_not_called_volts():
    assert readings({"in_voltage3_raw": "700"}) == {"voltage_raw": 700}


def test_ina219_of_hwmon_is_in_volts_amperes_and_watts():
    # drivers/hwmon/ina2xx.c: mV, mA and µW; limits and alarms are no readings.
    assert readings({"in0_input": "80", "in1_input": "12000", "curr1_input": "-800", "power1_input": "9600000",
                     "shunt_resistor": "100000", "in0_lcrit_alarm": "0", "power1_crit": "12"}, hwmon=True) == {
        "voltage0_v": pytest.approx(0.08),
        "voltage1_v": pytest.approx(12.0),
        "current_a": pytest.approx(-0.8),
        "power_w": pytest.approx(9.6),
    }  # fmt: skip


def test_sht3x_of_hwmon_has_no_numbers_where_there_is_one_of_each():
    # drivers/hwmon/sht3x.c
    assert readings({"temp1_input": "-4250", "temp1_max": "0", "temp1_alarm": "0", "humidity1_input": "44170",
                     "humidity1_max_hyst": "0", "heater_enable": "0"}, hwmon=True) == {
        "temperature_c": -4.25,
        "relative_humidity_pct": pytest.approx(44.17),
    }  # fmt: skip


def test_labels_name_channels_that_are_several():
    assert readings({"temp1_input": "40000", "temp1_label": "Core 0", "temp2_input": "41000", "temp2_label": "Core 1",
                     "fan1_input": "2900", "energy1_input": "5000000"}, hwmon=True) == {
        "temperature_core_0_c": 40.0,
        "temperature_core_1_c": 41.0,
        "fan_rpm": 2900,
        "energy_j": 5.0,
    }  # fmt: skip


def test_two_channels_with_one_label_keep_their_numbers():
    assert readings(
        {"in1_input": "1000", "in1_label": "VDD", "in2_input": "2000", "in2_label": "vdd "}, hwmon=True
    ) == {
        "voltage1_v": 1.0,
        "voltage2_v": 2.0,
    }


def test_a_label_that_the_name_has_already_is_not_told_twice():
    # ina2xx of IIO: extend_name makes both, the name and a label.
    assert readings({"in_voltage1_supply_raw": "3000", "in_voltage1_supply_scale": "4", "in_voltage1_supply_label":
                     "supply", "in_voltage0_shunt_raw": "800", "in_voltage0_shunt_scale": "0.01"}) == {
        "voltage_supply_v": 12.0,
        "voltage_shunt_v": pytest.approx(0.008),
    }  # fmt: skip


def test_a_channel_whose_driver_says_it_is_broken_has_no_value():
    texts = {"temp1_input": "-250000", "temp1_fault": "1"}
    with pytest.raises(NotFoundError, match="temp1: its driver says that what is connected is broken"):
        readings(texts, hwmon=True)
    assert readings(texts | {"temp1_fault": "0", "temp1_input": "20000"}, hwmon=True) == {"temperature_c": 20.0}


def test_a_channel_that_is_switched_off_has_no_value():
    texts = {"temp1_input": "20000", "temp1_enable": "1"}
    assert readings(texts, hwmon=True) == {"temperature_c": 20.0}
    with pytest.raises(NotFoundError, match=r"temp1: it is switched off \(temp1_enable is 0\)"):
        readings(texts | {"temp1_input": "0", "temp1_enable": "0"}, hwmon=True)


@pytest.mark.parametrize("text", ["", "nan", "inf", "1 2 3 4", "0.5 dB", "\ufffd", "1e999"])
def test_a_text_that_is_no_number_is_never_a_value(text):
    with pytest.raises(CorruptDataError, match=r"in_temp_input: .* is no number that a driver writes"):
        number_of(text, "in_temp_input")


@pytest.mark.parametrize(
    "name",
    ["in_rot_quaternion_raw", "in_activity_running_input", "in_temp", "in_timestamp_en", "pwm1", "temp1_max",
     "in_accel_x&y_raw", "events", "in_temp_raw_available"],
)  # fmt: skip
def test_what_is_no_quantity_is_no_channel(name):
    for hwmon in (False, True):
        assert readings({name: "1"}, hwmon=hwmon) == {}
