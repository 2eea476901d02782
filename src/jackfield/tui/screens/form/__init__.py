"""The guided form: one screen, four steps, one module each. All of its rules live in `services.form`."""
