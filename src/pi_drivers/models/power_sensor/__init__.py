"""Models of the Viam API `rdk:component:power_sensor`."""
