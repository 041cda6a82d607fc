//! Copying media into S3.
