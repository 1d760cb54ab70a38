#include "rescue/key_wanted.h"

#include <algorithm>

namespace tapewarden::rescue {

bool KeyWanted::fits(const crypto::SecretBytes& data_key) const {
  return data_key.size() == tape::kDataKeyBytes &&
         std::ranges::find(check_values, crypto::key_check_value(data_key, volume)) != check_values.end();
}

KeyWanted wanted_by(const tape::Cartridge& cartridge) {
  KeyWanted out;
  const auto identity = cartridge.identity();
  out.volume = identity.volume;
  out.volser = identity.volser;
  const auto& report = cartridge.key_info();
  out.method = report.info.method;
  out.akad = report.info.akad;
  out.key_areas_lost = report.all_lost;
  for (const Bytes& bytes : report.info.eedks) {
    if (auto read = eedk::decode_eedk(bytes)) out.eedks.push_back(std::move(*read));
  }
  out.check_values = cartridge.session_keys().check_values;
  return out;
}

void keep_if_fits(const KeyWanted& wanted, crypto::SecretBytes data_key, std::string where,
                  std::vector<FoundKey>& out) {
  if (!wanted.fits(data_key)) return;
  out.push_back({std::make_shared<const crypto::SecretBytes>(std::move(data_key)), std::move(where)});
}

}  // namespace tapewarden::rescue
