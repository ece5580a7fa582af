"""Places for ad breaks: facts -> signs -> scores -> guard rails -> breaks with reasons; and ads."""
