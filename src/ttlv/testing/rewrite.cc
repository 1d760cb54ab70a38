#include "ttlv/testing/rewrite.h"

namespace tapewarden::ttlv::testing {

void rewrite(const Item& item, Writer& out) {
  const Tag tag = item.tag();
  switch (item.type()) {
    case Type::kStructure:
      out.begin(tag);
      for (const Item child : item.children()) rewrite(child, out);
      out.end();
      break;
    case Type::kInteger:
      out.add_integer(tag, *item.as_integer());
      break;
    case Type::kLongInteger:
      out.add_long_integer(tag, *item.as_long_integer());
      break;
    case Type::kBigInteger:
      out.add_big_integer(tag, *item.as_big_integer());
      break;
    case Type::kEnumeration:
      out.add_enumeration(tag, *item.as_enumeration());
      break;
    case Type::kBoolean:
      out.add_boolean(tag, *item.as_boolean());
      break;
    case Type::kTextString:
      out.add_text(tag, *item.as_text());
      break;
    case Type::kByteString:
      out.add_bytes(tag, *item.as_bytes());
      break;
    case Type::kDateTime:
      out.add_date_time(tag, *item.as_date_time());
      break;
    case Type::kInterval:
      out.add_interval(tag, *item.as_interval());
      break;
    case Type::kDateTimeExtended:
      out.add_date_time_extended(tag, *item.as_date_time_extended());
      break;
  }
}

}  // namespace tapewarden::ttlv::testing
