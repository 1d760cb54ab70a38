#include "iscsi/data_in.h"

namespace tapewarden::iscsi {

DataIn::DataIn(Bytes made, std::size_t bytes, MemoryShare memory)
    : bytes_(std::move(made)), size_(bytes), memory_(std::move(memory)) {
  if (bytes_.capacity() / 2 > size_) bytes_ = to_bytes(view());
}

}  // namespace tapewarden::iscsi
