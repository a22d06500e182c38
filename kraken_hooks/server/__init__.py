"""The gRPC door: both services of collectors, health and reflection on one port. Runs on the event loop."""
