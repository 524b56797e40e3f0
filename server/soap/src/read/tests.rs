mod contents;
mod heads;
mod hostile;
mod records;
mod scalars;
mod shapes;
