/* What the reader and the writer of safetensors share: 8 bytes with the length of the header (little-endian), the header (JSON,
 * filled up with spaces to a multiple of 8), then the tensors without gaps. The public side is hypernet/io.h. */
#ifndef HNI_IO_SAFETENSORS_H
#define HNI_IO_SAFETENSORS_H

#define HNI_SAFETENSORS_PREFIX 8
/* The limit of the Python package, so that whatever is written here opens there. */
#define HNI_SAFETENSORS_LARGEST_HEADER 100000000
#define HNI_SAFETENSORS_METADATA "__metadata__"

#endif
