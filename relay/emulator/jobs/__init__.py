"""What jobs, trainings and metric attributions do when their time has come, with the folder that stands for S3."""
