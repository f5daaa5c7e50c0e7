//! Exception and interrupt vectors.

/// Points VBAR_EL1 to the vectors.
pub(super) fn install_vectors() {
    todo!()
}
