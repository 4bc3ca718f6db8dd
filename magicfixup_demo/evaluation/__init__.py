"""Pure metrics, the methods compared, and the report; runs the same engine that users run."""
