#include "people/tables.h"

namespace tapewarden::people {

const store::TableSpec& people_table() {
  using enum store::ColumnType;
  using enum store::ColumnRole;
  static const store::TableSpec spec{
      .name = "people",
      .columns = {{"name", kText, kKey},
                  {"role", kInteger, kPlain},
                  {"disabled", kInteger, kPlain},
                  {"salt", kBlob, kPlain},
                  {"verifier", kBlob, kSecret},
                  {"scrypt_n", kInteger, kPlain},
                  {"scrypt_r", kInteger, kPlain},
                  {"scrypt_p", kInteger, kPlain},
                  {"fingerprint", kBlob, kPlain},
                  {"created_ms", kInteger, kPlain},
                  {"password_changed_ms", kInteger, kPlain},
                  {"generation", kInteger, kPlain}},
      .indexes = {"fingerprint"},
      .unique_indexes = {},
      .replicated = true,
  };
  return spec;
}

}  // namespace tapewarden::people
