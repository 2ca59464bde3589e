// Answers the way S3 gives them.
#pragma once

#include <string_view>

#include "support/scripted_server/http_message.hpp"
#include "support/scripted_server/s3_xml.hpp"

namespace scabbard::scripted {

Response xml_response(XmlWriter xml);
/// An error with its code in XML.
Response error_response(int status, std::string_view code, std::string_view message);
/// 412.
Response failed_condition();

}  // namespace scabbard::scripted
