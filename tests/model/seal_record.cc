#include "seal_record.h"

#include "engine/cache/sealed_header.h"

namespace tapewarden::engine::test {

void SealRecord::note_record(const Hash256& key_fingerprint, const crypto::GcmIv& iv) {
  ++records_;
  if (!ivs_[key_fingerprint].insert(iv).second)
    faults_.push_back("the IV " + to_hex(iv) + " was used twice with one key");
}

void SealRecord::look_at_cache(Disk& disk, const std::string& folder) {
  const auto names = disk.list(folder);
  if (!names) return;
  for (const auto& name : *names) {
    const auto file = disk.open(folder + "/" + name, OpenMode::kRead);
    Bytes bytes(kSealedHeaderBytes);
    if (!file || (*file)->read_at(0, bytes).value_or(0) != bytes.size()) continue;
    const auto header = decode_sealed_header(bytes);
    if (!header) continue;  // a power loss cut it off
    const auto stem = name.substr(0, name.find('.'));
    const auto [known, fresh] = salts_.emplace(Bytes(header->salt.begin(), header->salt.end()), stem);
    if (!fresh && known->second != stem)
      faults_.push_back("the cache's files " + known->second + " and " + stem + " have one salt");
  }
}

}  // namespace tapewarden::engine::test
