"""boto3: clients, CloudWatch Logs, KMS, and the table from AWS's error codes to types."""
