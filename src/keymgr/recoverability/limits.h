// The limits of recoverability, in one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tapewarden::keymgr::recoverability {

inline constexpr std::size_t kMaximumPlaces = 256;          // told apart; more are left out and told
inline constexpr std::size_t kMaximumWithout = 64;          // words of one question
inline constexpr std::size_t kMaximumWordCharacters = 128;  // of one of them
inline constexpr std::size_t kRowsAStep = 2000;             // read in one snapshot
inline constexpr std::size_t kRowsOfOneCartridge = 10'000;  // its newest; older ones tell no more
// How far apart the clocks of two servers may be: of two writes within that time, one at each, nobody knows
// which came later.
inline constexpr std::chrono::hours kClocksApart{2};
inline constexpr std::int64_t kChangesReadOneByOne =
    20'000;                                            // more, and the table is read from its beginning
inline constexpr std::size_t kEventsAStep = 64;        // pools told in one look; the others in the next
inline constexpr std::size_t kExamplesInAnEvent = 10;  // cartridges named in one
inline constexpr std::size_t kPoolsInTheStatus = 5;    // more are counted
inline constexpr std::size_t kMaximumPools = 100'000;  // the cartridges of more are taken together
inline constexpr std::size_t kKeysACheckStep = 1000;   // opened in one snapshot
inline constexpr std::chrono::milliseconds kCheckPause{200};  // between two such steps: serving goes first
inline constexpr std::size_t kFaultsKept = 10'000;            // keys that did not open
inline constexpr std::chrono::minutes kHeardEvery{10};        // how often it is noted when the peer was heard
// A cartridge that never had the wanted number of places is told only after so long: its key's way into
// backups and their verification takes a day where nobody asks for it earlier.
inline constexpr std::chrono::hours kSettlingTime{26};

}  // namespace tapewarden::keymgr::recoverability
