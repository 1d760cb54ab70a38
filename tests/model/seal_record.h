// What was ever sealed: of every record on a cartridge the key and the IV, of every file of the cache its
// salt. None may come twice, whatever was cut off, rolled back or cloned in between. One thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "crypto/aead.h"
#include "tape/medium/cartridge.h"

namespace tapewarden::engine::test {

class SealRecord {
 public:
  void note_record(const Hash256& key_fingerprint, const crypto::GcmIv& iv);
  // Takes note of the sealed files that lie in the cache's folder now.
  void look_at_cache(Disk& disk, const std::string& folder);

  std::size_t records() const { return records_; }
  std::size_t keys() const { return ivs_.size(); }
  std::size_t files() const { return salts_.size(); }
  // What came twice.
  const std::vector<std::string>& faults() const { return faults_; }

 private:
  std::map<Hash256, std::set<crypto::GcmIv>> ivs_;
  std::map<Bytes, std::string> salts_;  // the file's name, as it is called when it is whole
  std::size_t records_ = 0;
  std::vector<std::string> faults_;
};

}  // namespace tapewarden::engine::test
