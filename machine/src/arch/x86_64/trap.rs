//! Exception and interrupt vectors.
