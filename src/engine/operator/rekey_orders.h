// What an operator does about the KEKs of cartridges (feature row K9): has the data keys of a pool's
// cartridges wrapped to other KEKs, and asks whether any cartridge still needs an old one. Functions are
// thread-safe as the parts that they work on.
//
// Re-wrapping gives cartridges new EEDKs and changes neither their data nor their data keys. It revokes
// nothing.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/catalogue/catalogue.h"
#include "engine/notices.h"
#include "engine/operator/label_check.h"

namespace tapewarden::engine {

// In plain words, for every answer about re-wrapping.
inline constexpr std::string_view kRekeyRevokesNothing =
    "Re-wrapping revokes nothing: whoever copied the old EEDKs and has the old KEK reads on. After a KEK or "
    "a "
    "data key was compromised the data must be written anew under other keys.";

struct RekeyOrder {
  std::optional<std::uint8_t> pool = {};   // all its cartridges, or those of `barcodes` that are in it
  std::vector<std::string> barcodes = {};  // at most kMaximumRekeysNamed
  std::array<KeyLabel, 2> labels = {};     // the new ones, one or two; none: what was asked for is taken back
  bool again = false;      // those too that have these labels: the KEK behind one is another now
  bool unchecked = false;  // although no key server can be asked whether it knows the labels
};

struct RekeyLine {
  std::string barcode;
  std::string outcome;              // in words
  std::optional<Error> error = {};  // why nothing is asked of it
};
struct RekeyOrdered {
  std::vector<RekeyLine> lines;    // of a pool: without those that hold nothing under a wrapped key
  std::vector<std::string> notes;  // what else is to be known, kRekeyRevokesNothing among it
};

inline constexpr std::size_t kMaximumRekeysNamed = 1000;

// Each cartridge gets the labels at a mount of its own, when a drive is free; durable when this returns.
// kInvalidArgument naming the field; kNotFound for a label that a key server does not know, kUnavailable when
// none can be asked: nothing is changed then.
Result<RekeyOrdered> request_rekey(Catalogue& catalogue, KeyNameCheck& names, const RekeyOrder& order);

// How far it is with what was asked for in a pool.
struct RekeyProgress {
  std::uint64_t asked = 0;    // cartridges that have not got their labels yet
  std::uint64_t waiting = 0;  // of these: not in the library, or damaged
  std::uint64_t refused = 0;  // of these: their labels were refused
};
Result<RekeyProgress> rekey_progress(Catalogue& catalogue, const Notices& notices, std::uint8_t pool);

// One of them, and what holds it up.
struct RekeyStanding {
  PhysicalVolume cartridge;
  std::string problem;  // empty: its turn will come
};
// In the order of barcodes.
Result<Page<RekeyStanding>> rekeys_standing(Catalogue& catalogue, const Notices& notices, std::uint8_t pool,
                                            const PageRequest& page);

// Cartridges of one pool and state that hold something.
struct KekUse {
  std::uint8_t pool = 0;
  CartridgeState state = CartridgeState::kFull;
  std::uint64_t only_way = 0;  // the label is the only one that they have
  std::uint64_t asked = 0;     // of these: other labels are asked for and not there yet
  std::uint64_t one_of_two = 0;
  std::string first{};  // barcodes of the only-way ones
  std::string last{};
};
struct KekRetirement {
  std::string label;
  std::vector<KekUse> uses;         // by pool, then state
  std::vector<std::uint8_t> pools;  // whose settings name it for cartridges to come
  std::uint64_t only_way = 0;       // in all
  std::uint64_t unknown = 0;        // cartridges of whose labels the catalogue knows nothing: the key
                                    // server's defaults
  std::string first_unknown{};
  bool needed() const { return only_way > 0 || unknown > 0; }
  std::string verdict() const;  // for people
};
// Counts every cartridge written with a wrapped key, in one view of the catalogue. Scratch ones and those
// that wait to be erased need no key. kInvalidArgument for what is no label.
Result<KekRetirement> kek_retirement(Catalogue& catalogue, const std::string& label);

}  // namespace tapewarden::engine
