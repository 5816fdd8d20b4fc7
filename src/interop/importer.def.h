/* One row per input format, tried in order: GR_IMPORTER(name, recognises, import). `recognises`
 * looks at the first bytes, decompressed; the last row takes whatever is left. */
GR_IMPORTER("IDX", is_idx, gr_import_idx)
GR_IMPORTER("HDF5", is_hdf5, gr_import_hdf5)
GR_IMPORTER("NPY", is_npy, gr_import_npy)
GR_IMPORTER("NPZ", is_zip, gr_import_npz)
GR_IMPORTER("LIBSVM", is_libsvm, gr_import_libsvm)
GR_IMPORTER("text table", is_anything, gr_import_table)
