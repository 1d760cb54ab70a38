// What a cartridge itself tells about the keys that open it. Values.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crypto/key_check.h"
#include "eedk/eedk.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::rescue {

struct KeyWanted {
  Uuid volume;
  std::string volser;
  tape::KeyMethod method = tape::KeyMethod::kNone;
  Bytes akad;                                       // identified-key method: the DKi
  std::vector<eedk::Eedk> eedks;                    // wrapped-key method: those that can be read
  std::vector<crypto::KeyCheckValue> check_values;  // of the sessions on the tape, each once
  bool key_areas_lost = false;                      // all four copies: only check values tell the key

  bool encrypted() const { return !check_values.empty(); }
  // Whether this very data key sealed something on the tape.
  bool fits(const crypto::SecretBytes& data_key) const;
};

KeyWanted wanted_by(const tape::Cartridge& cartridge);

// A data key that fits, and where it was.
struct FoundKey {
  std::shared_ptr<const crypto::SecretBytes> data_key;
  std::string where;  // for people
};

// One place to look for keys. Not thread-safe.
class KeySource {
 public:
  virtual ~KeySource() = default;
  // All that fit; none is no error. Errors say why the place cannot be searched.
  virtual Result<std::vector<FoundKey>> find(const KeyWanted& wanted) = 0;
};

// A data key that was unwrapped or found, if it fits.
void keep_if_fits(const KeyWanted& wanted, crypto::SecretBytes data_key, std::string where,
                  std::vector<FoundKey>& out);

}  // namespace tapewarden::rescue
