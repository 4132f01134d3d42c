"""Models of the Viam API `rdk:service:discovery`."""
