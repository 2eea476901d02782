"""What things are: plain frozen types, enums and errors. Nothing here does input or output."""
