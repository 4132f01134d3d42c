"""Models of the Viam API `rdk:component:camera`."""
