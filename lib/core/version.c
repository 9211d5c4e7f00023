/* core/version.c - the versions of the library that is running. */
#include "softneck/status.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

int32_t neck_version_number(void)
{
    return NECK_VERSION_NUMBER;
}

const char *neck_version_string(void)
{
    return TEXT(NECK_VERSION_MAJOR) "." TEXT(NECK_VERSION_MINOR) "." TEXT(NECK_VERSION_PATCH);
}

int32_t neck_abi_version(void)
{
    return NECK_ABI_VERSION;
}
