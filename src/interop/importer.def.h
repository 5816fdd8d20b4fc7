/* One row per input format, tried in order: GR_IMPORTER(name, recognises, import). `recognises`
 * looks at the first bytes; the last row takes whatever is left. */
GR_IMPORTER("IDX", is_idx, gr_import_idx)
GR_IMPORTER("HDF5", is_hdf5, refuse_hdf5)
GR_IMPORTER("NumPy", is_numpy, refuse_binary)
GR_IMPORTER("ZIP", is_zip, refuse_binary)
GR_IMPORTER("text table", is_anything, gr_import_table)
