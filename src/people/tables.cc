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

const store::TableSpec& approval_table() {
  using enum store::ColumnType;
  using enum store::ColumnRole;
  static const store::TableSpec spec{
      .name = "approval",
      .columns = {{"id", kText, kKey},
                  {"server", kBlob, kPlain},
                  {"server_name", kText, kPlain},
                  {"request", kText, kPlain},
                  {"digest", kBlob, kPlain},
                  {"summary", kText, kPlain},
                  {"asker", kText, kPlain},
                  {"asker_generation", kInteger, kPlain},
                  {"decider", kText, kPlain},
                  {"decider_generation", kInteger, kPlain},
                  {"state", kInteger, kPlain},
                  {"reason", kText, kPlain},
                  {"asked_ms", kInteger, kPlain},
                  {"expires_ms", kInteger, kPlain},
                  {"decided_ms", kInteger, kPlain},
                  {"used_ms", kInteger, kPlain}},
      .indexes = {"asked_ms, id", "state, expires_ms"},
      .unique_indexes = {},
      .replicated = true,
  };
  return spec;
}

std::vector<const store::TableSpec*> tables() {
  return {&people_table(), &approval_table()};
}

}  // namespace tapewarden::people
