// Java's object serialisation stream, protocol version 2 ("Java Object Serialization Specification", chapter
// 6), as far as keystores need it: one object whose fields hold byte arrays and strings. Nothing is made of
// the classes named in it: it is read as data, within bounds. All results are views into the input, so that a
// secret in it is copied nowhere. Pure; thread-safe.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace tapewarden::keymgr {

inline constexpr std::size_t kMaximumJavaDepth = 16;      // objects within objects
inline constexpr std::size_t kMaximumJavaHandles = 1024;  // things that may be referred to
inline constexpr std::size_t kMaximumJavaFields = 64;     // of one class
inline constexpr std::size_t kMaximumJavaNameBytes = 512;

// A field that holds an array of bytes or a string; others are read over.
struct JavaField {
  std::string_view name;
  std::optional<ByteView> bytes;
  std::optional<std::string_view> text;  // as it stands there, in Java's modified UTF-8
};

struct JavaObject {
  std::string_view class_name;
  std::vector<JavaField> fields;  // of the class and of all above it
  std::size_t length = 0;         // bytes of the stream that it took

  // The first field of that name which holds such a thing.
  std::optional<ByteView> bytes(std::string_view name) const;
  std::optional<std::string_view> text(std::string_view name) const;
};

// The object at the beginning of the stream; what follows it is left alone. kCorrupt when the stream ends too
// early, kInvalidArgument when it is no such stream or goes beyond a bound, kUnsupported for what keystores
// never hold (classes that write themselves, proxies, exceptions).
Result<JavaObject> read_java_object(ByteView stream);

}  // namespace tapewarden::keymgr
