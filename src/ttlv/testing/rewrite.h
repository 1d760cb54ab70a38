// Writes a decoded tree again, item by item: what a strict decoder has accepted must come out the same.
#pragma once

#include "ttlv/item.h"
#include "ttlv/writer.h"

namespace tapewarden::ttlv::testing {

void rewrite(const Item& item, Writer& out);
inline Bytes rewritten(const Document& document) {
  Writer out;
  rewrite(document.root(), out);
  return out.take();
}

}  // namespace tapewarden::ttlv::testing
