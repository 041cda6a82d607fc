//! The HTTP clients for providers and media.
