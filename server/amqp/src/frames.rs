//! Looks at what comes in before lapin does. For now passes all.
use std::{io, task::{Context, Poll}};
use tokio::io::ReadBuf;
#[derive(Default)]
pub(crate) struct Frames;
impl Frames {
    pub(crate) fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>, mut read: impl FnMut(&mut Context<'_>, &mut ReadBuf<'_>) -> Poll<io::Result<()>>) -> Poll<io::Result<()>> {
        read(context, buffer)
    }
}
