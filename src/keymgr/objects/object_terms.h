// By which of their attributes objects are found without looking at each: a term is 16 bytes of a hash over
// owner, attribute and value, and kObjectTermTable has a row for each term of each object. A hash only finds
// candidates; whoever looks compares the attributes themselves. Pure; thread-safe.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "keymgr/objects/managed_object.h"
#include "kmip/attributes.h"

namespace tapewarden::keymgr {

// Nothing: objects are not found by that attribute but by looking at all of an owner's.
std::optional<Bytes> term_of(std::string_view owner, const kmip::AttributeId& id, ByteView item);
// All terms of an object, each once, sorted.
std::vector<Bytes> terms_of(std::string_view owner, const kmip::AttributeSet& attributes);

// Of kObjectTermTable.
store::Row term_row(const Bytes& term, const ManagedObject& object);

// The item as it is compared: a namespace VENDOR-LIBRARY-LTO means LIBRARY-LTO (KMIP Tape Library Profile 1.0
// section 2.3), everything else is what it is.
std::string_view compared_namespace(std::string_view name);
Bytes compared_item(const kmip::AttributeId& id, ByteView item);

// Whether a namespace is a tape library's: its Application Data names the key of one cartridge.
bool is_tape_namespace(std::string_view name);
// Whether the attribute is Application Specific Information in such a namespace.
bool names_a_cartridge(const kmip::Attribute& attribute);

}  // namespace tapewarden::keymgr
