// What a Locate asks for: attributes that are compared as the specification says (1.4 section 4.9, 2.1
// section 6.1.28). An object has to fit all of them.
//
//  - A date once is that date, a date twice is from the one to the other; the largest date stands for none.
//  - Of Cryptographic Usage Mask the bits that are asked for must be there; of Usage Limits, as much at
//    least.
//  - Of a structure the fields that are given are compared.
//  - In KMIP 1.x, a text or byte string with wildcards (kmip/pattern.h) that no object has as it stands is a
//    pattern. 2.x has no patterns. Neither has Application Data in a tape library's namespace, in any
//    version: the key of a cartridge is found by what its library wrote, or not at all.
//
// Not thread-safe.
#pragma once

#include <vector>

#include "keymgr/objects/managed_objects.h"
#include "kmip/attribute_wire.h"
#include "kmip/pattern.h"

namespace tapewarden::kmip {

class LocateFilters {
 public:
  // Of the Attribute items of a 1.x payload, or its Attributes in 2.x. Refusals as read_attribute().
  static Result<LocateFilters> read(const ttlv::Item& payload, const ProtocolVersion& version);

  // Some value could be a pattern: where nothing was found without, it is worth to search once more with.
  bool may_have_patterns() const { return patterned_; }
  // What the keystore's index and the objects' kept attributes are asked for; the rest goes to fits().
  std::vector<keymgr::AttributeWanted> kept(bool as_patterns) const;
  // What was asked for, and whether that is meant to be certain objects, and not all of a kind.
  std::vector<Attribute> asked() const;
  bool tells_objects_apart() const;
  // Whether anything is left to look at.
  bool has_rest(bool as_patterns) const;
  // The digest is not among an object's attributes unless somebody asks for it (object_attributes.h).
  bool asks_for_digest() const;
  // All attributes of the object, those of its row among them. kExhausted: the patterns take more work than
  // one search may.
  Result<bool> fits(const AttributeSet& all, bool as_patterns);

 private:
  struct Filter {
    GivenAttribute given;
    bool kept = false;     // compared as a whole with what the object keeps
    bool pattern = false;  // may be one
  };
  void take(GivenAttribute given, const ProtocolVersion& version);
  bool date_fits(const AttributeSet& all, const AttributeId& id) const;
  bool fits_one(const AttributeSet& all, const Filter& filter, bool as_patterns);

  std::vector<Filter> filters_;
  bool patterned_ = false;
  MatchBudget budget_{20'000'000};  // a search over all that may be looked at takes a fraction of it
};

}  // namespace tapewarden::kmip
