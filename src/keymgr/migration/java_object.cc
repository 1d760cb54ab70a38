#include "keymgr/migration/java_object.h"

#include <algorithm>
#include <array>
#include <variant>

namespace tapewarden::keymgr {
namespace {

constexpr std::uint16_t kMagic = 0xACED;
constexpr std::uint16_t kVersion = 5;

enum Tag : std::uint8_t {
  kNull = 0x70,
  kReference = 0x71,
  kClassDescription = 0x72,
  kObject = 0x73,
  kString = 0x74,
  kArray = 0x75,
  kBlockData = 0x77,
  kEndBlockData = 0x78,
  kEnum = 0x7E,
};
constexpr std::uint32_t kFirstHandle = 0x7E0000;

constexpr std::uint8_t kWritesMore = 0x01;    // SC_WRITE_METHOD: annotations follow the fields
constexpr std::uint8_t kSerializable = 0x02;  // SC_SERIALIZABLE

std::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::kInvalidArgument, "the serialised object " + std::move(message));
}

struct FieldSpec {
  char type = 0;
  std::string_view name;
};

struct ClassSpec {
  std::string_view name;
  std::uint8_t flags = 0;
  std::vector<FieldSpec> fields;
  std::optional<std::size_t> above;  // the handle of the superclass
};

struct Other {};  // an object or an enum
using Thing = std::variant<Other, ClassSpec, std::string_view, ByteView>;

// Width of a primitive type; 0 for the others.
std::size_t width_of(char type) {
  switch (type) {
    case 'B':
    case 'Z':
      return 1;
    case 'C':
    case 'S':
      return 2;
    case 'F':
    case 'I':
      return 4;
    case 'D':
    case 'J':
      return 8;
    default:
      return 0;
  }
}

class Stream {
 public:
  explicit Stream(ByteView view) : in_(view) {}

  Result<JavaObject> object() {
    if (TRY(in_.u16("stream magic")) != kMagic || TRY(in_.u16("stream version")) != kVersion)
      return bad("does not begin as one");
    if (TRY(in_.u8("type")) != kObject) return bad("is another thing than an object");
    JavaObject out;
    TRY(object_body(&out, 0));
    out.length = in_.position();
    return out;
  }

 private:
  // What a field or an annotation holds. nullopt: null.
  using Value = std::optional<Thing>;

  Result<std::size_t> keep(Thing thing) {
    if (things_.size() == kMaximumJavaHandles) return bad("holds too many things");
    things_.push_back(std::move(thing));
    return things_.size() - 1;
  }

  Result<std::size_t> reference() {
    const std::uint32_t handle = TRY(in_.u32("handle"));
    if (handle < kFirstHandle || handle - kFirstHandle >= things_.size())
      return bad("refers to what is not there");
    return handle - kFirstHandle;
  }

  Result<std::string_view> name() { return as_text(TRY(in_.bytes16(kMaximumJavaNameBytes, "name"))); }

  // Null, a string or a reference to one: the type of a field that holds an object.
  Status type_name() {
    const std::uint8_t tag = TRY(in_.u8("type"));
    if (tag == kReference) {
      (void)TRY(reference());
      return {};
    }
    if (tag != kString) return bad("names a field's type in another way");
    (void)TRY(keep(TRY(name())));
    return {};
  }

  Result<std::size_t> class_body(std::size_t depth) {
    ClassSpec spec;
    spec.name = TRY(name());
    TRY(in_.skip(8, "serial version"));
    const std::size_t handle = TRY(keep(Other{}));
    spec.flags = TRY(in_.u8("class flags"));
    const std::size_t count = TRY(in_.u16("number of fields"));
    if (count > kMaximumJavaFields) return bad("has too many fields");
    for (std::size_t i = 0; i < count; ++i) {
      const auto type = static_cast<char>(TRY(in_.u8("field type")));
      spec.fields.push_back({type, TRY(name())});
      if (width_of(type) != 0) continue;
      if (type != 'L' && type != '[') return bad("has a field of an unknown type");
      TRY(type_name());
    }
    if (TRY(in_.u8("class annotation")) != kEndBlockData) return bad("has an annotated class");
    spec.above = TRY(class_description(depth + 1));
    if (spec.above && !std::holds_alternative<ClassSpec>(things_[*spec.above]))
      return bad("names a superclass that is none");
    things_[handle] = std::move(spec);
    return handle;
  }

  // nullopt: null, no superclass.
  Result<std::optional<std::size_t>> class_description(std::size_t depth) {
    if (depth > kMaximumJavaDepth) return bad("is nested too deep");
    switch (TRY(in_.u8("class description"))) {
      case kNull:
        return std::optional<std::size_t>();
      case kReference:
        return std::optional(TRY(reference()));
      case kClassDescription:
        return std::optional(TRY(class_body(depth)));
      default:
        return fail(ErrorCode::kUnsupported, "the serialised object has a class of a kind that is not read");
    }
  }

  Result<const ClassSpec*> known_class(std::size_t depth) {
    const auto handle = TRY(class_description(depth));
    const auto* spec = handle ? std::get_if<ClassSpec>(&things_[*handle]) : nullptr;
    if (spec == nullptr) return bad("has no class");
    return spec;
  }

  // The classes from the uppermost to the object's own, copied: the handles grow while fields are read.
  Result<std::vector<ClassSpec>> line_of(const ClassSpec* spec) {
    std::vector<ClassSpec> line;
    while (spec != nullptr) {
      if (line.size() == kMaximumJavaDepth) return bad("has too many superclasses");
      line.push_back(*spec);
      spec = spec->above ? std::get_if<ClassSpec>(&things_[*spec->above]) : nullptr;
    }
    std::ranges::reverse(line);
    return line;
  }

  // What follows its type byte. `into`: nullptr when its fields are of no interest.
  Status object_body(JavaObject* into, std::size_t depth) {
    if (depth > kMaximumJavaDepth) return bad("is nested too deep");
    const auto line = TRY(line_of(TRY(known_class(depth))));
    (void)TRY(keep(Other{}));
    if (into != nullptr) into->class_name = line.back().name;
    for (const ClassSpec& spec : line) {
      if ((spec.flags & kSerializable) == 0)
        return fail(ErrorCode::kUnsupported, "the serialised object writes itself in a way of its own");
      for (const FieldSpec& field : spec.fields) {
        const auto value = TRY(field_value(field, depth));
        if (into != nullptr && value) add(*into, field.name, *value);
      }
      if ((spec.flags & kWritesMore) != 0) TRY(annotations(depth));
    }
    return {};
  }

  static void add(JavaObject& object, std::string_view name, const Thing& value) {
    if (const auto* bytes = std::get_if<ByteView>(&value)) object.fields.push_back({name, *bytes, {}});
    if (const auto* text = std::get_if<std::string_view>(&value)) object.fields.push_back({name, {}, *text});
  }

  Result<Value> field_value(const FieldSpec& field, std::size_t depth) {
    if (const std::size_t width = width_of(field.type); width != 0) {
      TRY(in_.skip(width, "field"));
      return Value();
    }
    return content(TRY(in_.u8("field")), depth + 1);
  }

  // One thing whose type byte is read.
  Result<Value> content(std::uint8_t tag, std::size_t depth) {
    if (depth > kMaximumJavaDepth) return bad("is nested too deep");
    switch (tag) {
      case kNull:
        return Value();
      case kReference:
        return Value(things_[TRY(reference())]);
      case kString:
        return Value(things_[TRY(keep(as_text(TRY(in_.bytes16(0xFFFF, "string")))))]);
      case kArray:
        return Value(things_[TRY(array(depth))]);
      case kObject:
        TRY(object_body(nullptr, depth));
        return Value(Other{});
      case kEnum:
        TRY(enumerator(depth));
        return Value(Other{});
      default:
        return fail(ErrorCode::kUnsupported, "the serialised object holds a thing that keystores never hold");
    }
  }

  Result<std::size_t> array(std::size_t depth) {
    const auto* spec = TRY(known_class(depth));
    if (spec->name != "[B")
      return fail(ErrorCode::kUnsupported, "the serialised object holds an array of other things than bytes");
    const std::size_t handle = TRY(keep(Other{}));
    const std::uint32_t size = TRY(in_.u32("array"));
    things_[handle] = TRY(in_.bytes(size, "array"));
    return handle;
  }

  Status enumerator(std::size_t depth) {
    (void)TRY(known_class(depth));
    (void)TRY(keep(Other{}));
    const auto constant = TRY(content(TRY(in_.u8("enum")), depth + 1));
    if (!constant || !std::holds_alternative<std::string_view>(*constant)) return bad("has a nameless enum");
    return {};
  }

  // What a class of its own writeObject() adds: read over.
  Status annotations(std::size_t depth) {
    for (std::uint8_t tag = TRY(in_.u8("annotation")); tag != kEndBlockData;
         tag = TRY(in_.u8("annotation"))) {
      if (tag == kBlockData) {
        TRY(in_.skip(TRY(in_.u8("block")), "block"));
      } else {
        (void)TRY(content(tag, depth + 1));
      }
    }
    return {};
  }

  ByteReader in_;
  std::vector<Thing> things_;
};

}  // namespace

std::optional<ByteView> JavaObject::bytes(std::string_view name) const {
  for (const JavaField& field : fields) {
    if (field.name == name && field.bytes) return field.bytes;
  }
  return std::nullopt;
}

std::optional<std::string_view> JavaObject::text(std::string_view name) const {
  for (const JavaField& field : fields) {
    if (field.name == name && field.text) return field.text;
  }
  return std::nullopt;
}

Result<JavaObject> read_java_object(ByteView stream) {
  return Stream(stream).object();
}

}  // namespace tapewarden::keymgr
